-- How many workers were heard of lately.
--   $1 lately: seconds, bigint
SELECT count(*) AS workers FROM metering.worker_heartbeat
WHERE seen_at > now() - make_interval(secs => $1::bigint)
