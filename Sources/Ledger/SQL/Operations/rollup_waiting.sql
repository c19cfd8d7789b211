-- How many parts of months wait for their roll-up, and seconds since any part was rolled up; NULL before the
-- first time. Uses usage_month_pkey, 64 rows a month; locks nothing.
SELECT count(*) FILTER (WHERE due) AS waiting,
    extract(epoch FROM now() - max(rolled_up_at))::bigint AS age
FROM metering.usage_month
