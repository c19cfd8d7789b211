-- How many workers have a recent heartbeat.
--   $1 recent: seconds, bigint
SELECT count(*) AS workers FROM metering.worker_heartbeat
WHERE seen_at > now() - make_interval(secs => $1::bigint)
