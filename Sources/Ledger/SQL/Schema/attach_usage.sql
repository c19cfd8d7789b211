-- What attaching would take over from api_usage: rows of this month (UTC) or later, which start its
-- totals, and earlier months, which stay unchanged. Reads the table once; locks nothing.
SELECT count(*) FILTER (WHERE month >= date_trunc('month', now() AT TIME ZONE 'UTC')) AS rows_now,
    count(DISTINCT date_trunc('month', month)) FILTER (
        WHERE month < date_trunc('month', now() AT TIME ZONE 'UTC')) AS months_before
FROM public.api_usage
