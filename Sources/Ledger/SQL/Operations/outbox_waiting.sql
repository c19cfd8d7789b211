-- Messages that have been open for $1 seconds, and the age of the oldest in seconds; 0 when there
-- is none.
--   $1 age: seconds, bigint
-- Uses outbox_open. Locks nothing.
SELECT count(*) AS messages,
    coalesce(extract(epoch FROM now() - min(created_at)), 0)::bigint AS oldest
FROM metering.outbox
WHERE done_at IS NULL AND created_at < now() - make_interval(secs => $1::bigint)
