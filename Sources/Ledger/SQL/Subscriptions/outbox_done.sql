-- Says that a message was acted on; no row when there is none of that number that is open.
--   $1 id
-- Uses outbox_pkey. Locks the row.
UPDATE metering.outbox SET done_at = now() WHERE id = $1::bigint AND done_at IS NULL RETURNING id
