-- The lives of Redis nodes that have not ended, and those that did, latest first.
--   $1 rows at most, int
SELECT stamp, node, first_seen, last_checkpoint, ended_clean FROM metering.redis_epoch
ORDER BY first_seen DESC, stamp LIMIT $1::int
