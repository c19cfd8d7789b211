-- The buckets of a month in order, and their states.
--   $1 month date
-- Uses usage_month_pkey. Locks nothing.
SELECT bucket, state, due FROM metering.usage_month WHERE month = $1::date ORDER BY bucket
