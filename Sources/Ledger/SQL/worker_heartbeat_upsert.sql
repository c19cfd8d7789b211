-- Says that a worker lives, and up to when it has written everything it saw.
--   $1 worker_id text      $2 checkpointed_through timestamptz or NULL (clock of Redis, UTC)
-- checkpointed_through only rises. Uses worker_heartbeat_pkey; locks the row.
INSERT INTO metering.worker_heartbeat AS held (worker_id, checkpointed_through)
VALUES ($1::text, $2::timestamptz)
ON CONFLICT (worker_id) DO UPDATE
SET seen_at = now(),
    checkpointed_through = greatest(held.checkpointed_through, excluded.checkpointed_through)
