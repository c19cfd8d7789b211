-- Messages that are still open, oldest first.
--   $1 rows at most, int
-- Uses outbox_open. Locks nothing.
SELECT id, clinic_id, kind, payload::text AS payload, created_at FROM metering.outbox
WHERE done_at IS NULL ORDER BY id LIMIT $1::bigint
