-- What rollup_bucket_write would change now, without locks and without writing.
--   $1 month date      $2 bucket smallint
-- calls and storage before are NULL where api_usage has no row. Answers every clinic of the bucket.
SELECT clinic_id, calls_before, calls_after, storage_before, storage_after, is_known,
    (calls_before, storage_before) IS DISTINCT FROM (calls_after, storage_after) AS differs
FROM metering.usage_change($1::date, $2::smallint, true)
ORDER BY clinic_id
