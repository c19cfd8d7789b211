-- Months that are not closed and whose ledger may hold more than api_usage, oldest first. A month that
-- ended since its last roll-up is among them: its storage is what it was at the end.
-- Reads usage_month (64 rows a month). Locks nothing.
SELECT DISTINCT month FROM metering.usage_month
WHERE state = 'open' AND (due OR (
    rolled_up_at < (month + interval '1 month') AT TIME ZONE 'UTC'
    AND now() >= (month + interval '1 month') AT TIME ZONE 'UTC'))
ORDER BY month
