-- Holds the buckets of checkpoints and marks them due: the first write after a roll-up.
--   $1 months date[]      $2 clinics uuid[] (of equal length)
-- Uses usage_month_pkey; locks the rows FOR UPDATE in key order until commit.
-- Whether a bucket is due is asked of the held row: where this waited for a roll-up, the row as it was when the
-- statement began is due still.
WITH touched AS MATERIALIZED (
    SELECT DISTINCT month, metering.bucket(clinic_id) AS bucket
    FROM unnest($1::date[], $2::uuid[]) AS mark (month, clinic_id)
), held AS MATERIALIZED (
    SELECT m.month, m.bucket, m.due FROM metering.usage_month m JOIN touched USING (month, bucket)
    ORDER BY m.month, m.bucket FOR UPDATE OF m
)
UPDATE metering.usage_month m SET due = true FROM held
WHERE m.month = held.month AND m.bucket = held.bucket AND NOT held.due
