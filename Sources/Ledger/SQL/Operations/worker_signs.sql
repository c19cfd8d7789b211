-- Workers with a recent heartbeat, workers that stopped sending without an orderly end, and seconds
-- since the latest heartbeat of any; NULL when there is none.
--   $1 recent: seconds, bigint
SELECT count(*) FILTER (WHERE seen_at > now() - make_interval(secs => $1::bigint)) AS alive,
    count(*) FILTER (WHERE seen_at <= now() - make_interval(secs => $1::bigint)) AS silent,
    extract(epoch FROM now() - max(seen_at))::bigint AS latest
FROM metering.worker_heartbeat
