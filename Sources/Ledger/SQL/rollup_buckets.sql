-- The buckets of a month in order, their states, and whether each is to be rolled up: written to since, or
-- not rolled up since the month ended.
--   $1 month date
-- Uses usage_month_pkey. Locks nothing.
SELECT bucket, state, due OR (
        rolled_up_at < (month + interval '1 month') AT TIME ZONE 'UTC'
        AND now() >= (month + interval '1 month') AT TIME ZONE 'UTC') AS due
FROM metering.usage_month WHERE month = $1::date ORDER BY bucket
