-- Months that are not closed and whose ledger may hold more than api_usage, oldest first. A month
-- that ended since its last roll-up, or a day before, is among them: its storage is what it was at
-- the end. rollup_buckets applies this rule to each bucket.
-- Reads usage_month (64 rows a month). Locks nothing.
SELECT DISTINCT month FROM metering.usage_month
WHERE state = 'open' AND (due OR EXISTS (
    SELECT FROM (VALUES (interval '1 month'), ('1 month 1 day')) AS past (length)
    WHERE rolled_up_at < (month + past.length) AT TIME ZONE 'UTC'
      AND now() >= (month + past.length) AT TIME ZONE 'UTC'))
ORDER BY month
