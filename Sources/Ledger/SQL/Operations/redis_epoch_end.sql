-- Ends a life of a Redis node once: clean when nothing it counted is missing here.
--   $1 stamp bigint (bit pattern)      $2 node text      $3 ended_clean boolean
-- Uses redis_epoch_pkey; locks the row.
UPDATE metering.redis_epoch SET ended_clean = $3::boolean
WHERE stamp = $1::bigint AND node = $2::text AND ended_clean IS NULL
