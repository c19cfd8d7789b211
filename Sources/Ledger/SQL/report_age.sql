-- The time up to which api_usage of a month holds all of the ledger, and the time now.
--   $1 month date
-- A bucket that is not due holds everything now; NULL when the month was never counted or rolled up.
-- Uses usage_month_pkey. Locks nothing.
SELECT CASE WHEN count(*) > 0
        THEN coalesce(min(rolled_up_at) FILTER (WHERE due), statement_timestamp()) END AS as_of,
    statement_timestamp() AS made_at
FROM metering.usage_month WHERE month = $1::date
