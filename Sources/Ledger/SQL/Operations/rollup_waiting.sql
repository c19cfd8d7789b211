-- How many buckets wait for their roll-up, and seconds since a bucket was rolled up; NULL before
-- the first roll-up. Uses usage_month_pkey, 64 rows a month; locks nothing.
SELECT count(*) FILTER (WHERE due) AS waiting,
    extract(epoch FROM now() - max(rolled_up_at))::bigint AS age
FROM metering.usage_month
