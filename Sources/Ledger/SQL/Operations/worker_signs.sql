-- Workers that were heard of lately, workers that fell silent without ending in order, and seconds since the
-- latest sign of any; NULL when there is none.
--   $1 lately: seconds, bigint
SELECT count(*) FILTER (WHERE seen_at > now() - make_interval(secs => $1::bigint)) AS alive,
    count(*) FILTER (WHERE seen_at <= now() - make_interval(secs => $1::bigint)) AS silent,
    extract(epoch FROM now() - max(seen_at))::bigint AS latest
FROM metering.worker_heartbeat
