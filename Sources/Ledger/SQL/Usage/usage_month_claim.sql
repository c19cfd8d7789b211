-- Holds the buckets of checkpoints and marks them due: the first write after a roll-up.
--   $1 months date[]      $2 clinics uuid[] (of equal length)
-- Uses usage_month_pkey; locks the rows FOR UPDATE in key order until commit.
-- The locked row says whether a bucket is due: after a wait for a roll-up, the row that the
-- statement first saw would still be due.
WITH touched AS MATERIALIZED (
    SELECT DISTINCT month, metering.bucket(clinic_id) AS bucket
    FROM unnest($1::date[], $2::uuid[]) AS mark (month, clinic_id)
), held AS MATERIALIZED (
    SELECT m.month, m.bucket, m.due FROM metering.usage_month m JOIN touched USING (month, bucket)
    ORDER BY m.month, m.bucket FOR UPDATE OF m
)
UPDATE metering.usage_month m SET due = true FROM held
WHERE m.month = held.month AND m.bucket = held.bucket AND NOT held.due
