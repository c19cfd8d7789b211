-- Records a stamp of a Redis node and its latest checkpoint.
--   $1 stamp bigint (bit pattern)      $2 node text
--   $3 last_checkpoint timestamptz or NULL (clock of Redis, UTC)
-- last_checkpoint only rises. Uses redis_stamp_pkey; locks the row.
INSERT INTO metering.redis_stamp AS held (stamp, node, last_checkpoint)
VALUES ($1::bigint, $2::text, $3::timestamptz)
ON CONFLICT (stamp, node) DO UPDATE
SET last_checkpoint = greatest(held.last_checkpoint, excluded.last_checkpoint)
