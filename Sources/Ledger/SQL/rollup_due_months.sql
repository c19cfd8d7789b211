-- Months that are not closed and whose ledger may hold more than api_usage, oldest first.
-- Reads usage_month (64 rows a month). Locks nothing.
SELECT DISTINCT month FROM metering.usage_month WHERE due AND state = 'open' ORDER BY month
