-- Marks a message as done; no row when no open message has this id.
--   $1 id
-- Uses outbox_pkey. Locks the row.
UPDATE metering.outbox SET done_at = now() WHERE id = $1::bigint AND done_at IS NULL RETURNING id
