-- Creates the rows of usage_month that checkpoints need, marked due. Safe to repeat.
--   $1 months date[]      $2 clinics uuid[] (of equal length)
-- Runs on its own before the transaction that locks, so that locks are taken in one order only.
INSERT INTO metering.usage_month (month, bucket, due)
SELECT DISTINCT month, metering.bucket(clinic_id) AS bucket, true
FROM unnest($1::date[], $2::uuid[]) AS mark (month, clinic_id)
ORDER BY month, bucket
ON CONFLICT (month, bucket) DO NOTHING
