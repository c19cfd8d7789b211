-- What of api_usage attaching would take over: rows of this month (UTC) or later, which begin its totals,
-- and earlier months, which are kept as they are. Reads the table once; locks nothing.
SELECT count(*) FILTER (WHERE month >= date_trunc('month', now() AT TIME ZONE 'UTC')) AS rows_now,
    count(DISTINCT date_trunc('month', month)) FILTER (
        WHERE month < date_trunc('month', now() AT TIME ZONE 'UTC')) AS months_before
FROM public.api_usage
