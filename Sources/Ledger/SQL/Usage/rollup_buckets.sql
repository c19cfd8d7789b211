-- The buckets of a month in order, their states, and whether each is due for a roll-up. A bucket is
-- due when it was written since its last roll-up, or not rolled up since the month ended or since a
-- day later: a transaction of the month's last moment may commit after the first roll-up, and
-- storage marks nothing due.
--   $1 month date
-- Uses usage_month_pkey. Locks nothing.
SELECT bucket, state, due OR EXISTS (
    SELECT FROM (VALUES (interval '1 month'), ('1 month 1 day')) AS past (length)
    WHERE rolled_up_at < (month + past.length) AT TIME ZONE 'UTC'
      AND now() >= (month + past.length) AT TIME ZONE 'UTC') AS due
FROM metering.usage_month WHERE month = $1::date ORDER BY bucket
