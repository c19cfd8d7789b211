-- Records that a worker is alive, and the time up to which it has written everything. Removes
-- workers whose last heartbeat is older than a day.
--   $1 worker_id text      $2 checkpointed_through timestamptz or NULL (clock of Redis, UTC)
-- checkpointed_through only rises. Uses worker_heartbeat_pkey; locks the row and those it removes.
WITH gone AS (
    DELETE FROM metering.worker_heartbeat
    WHERE seen_at < now() - interval '24 hours' AND worker_id <> $1::text
)
INSERT INTO metering.worker_heartbeat AS held (worker_id, checkpointed_through)
VALUES ($1::text, $2::timestamptz)
ON CONFLICT (worker_id) DO UPDATE
SET seen_at = now(),
    checkpointed_through = greatest(held.checkpointed_through, excluded.checkpointed_through)
