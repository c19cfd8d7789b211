-- Holds the buckets of checkpoints open until commit. ready = every one exists and is due.
--   $1 months date[]      $2 clinics uuid[] (of equal length)
-- Uses usage_month_pkey; locks the rows FOR SHARE in key order, so writers do not wait for each
-- other.
WITH touched AS MATERIALIZED (
    SELECT DISTINCT month, metering.bucket(clinic_id) AS bucket
    FROM unnest($1::date[], $2::uuid[]) AS mark (month, clinic_id)
), held AS MATERIALIZED (
    SELECT m.due FROM metering.usage_month m JOIN touched USING (month, bucket)
    ORDER BY m.month, m.bucket FOR SHARE OF m
)
SELECT (SELECT count(*) FROM touched) = (SELECT count(*) FROM held WHERE due) AS ready
