-- The stamps of Redis nodes, latest first.
--   $1 rows at most, int
SELECT stamp, node, first_seen, last_checkpoint FROM metering.redis_stamp
ORDER BY first_seen DESC, stamp LIMIT $1::int
