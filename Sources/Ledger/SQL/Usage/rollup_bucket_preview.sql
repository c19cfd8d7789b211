-- What rollup_bucket_write would change now, without locks and without writing.
--   $1 month date      $2 bucket smallint
-- calls and storage before are NULL where api_usage has no row. Returns every clinic of the bucket;
-- a total that a column api_calls of type int cannot hold counts as too large, not as different.
SELECT c.clinic_id, c.calls_before, c.calls_after, c.storage_before, c.storage_after, c.is_known,
    t.fits AND (c.calls_before, c.storage_before) IS DISTINCT FROM (c.calls_after, c.storage_after)
        AS differs, c.is_known AND NOT t.fits AS too_large
FROM metering.usage_change($1::date, $2::smallint, true) c
CROSS JOIN LATERAL (
    SELECT a.atttypid <> 'int4'::regtype OR c.calls_after BETWEEN -2147483648 AND 2147483647 AS fits
    FROM pg_attribute a WHERE a.attrelid = 'public.api_usage'::regclass AND a.attname = 'api_calls'
) AS t
ORDER BY c.clinic_id
