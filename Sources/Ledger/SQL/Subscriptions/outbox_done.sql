-- Marks a message as done. Returns whether it was done already; no row when there is no such message.
--   $1 id
-- Uses outbox_pkey. Locks the row.
WITH found AS (
    SELECT o.id, o.done_at FROM metering.outbox o WHERE o.id = $1::bigint FOR UPDATE
), done AS (
    UPDATE metering.outbox o SET done_at = now() FROM found f WHERE o.id = f.id AND f.done_at IS NULL
)
SELECT done_at IS NOT NULL AS was_done FROM found
