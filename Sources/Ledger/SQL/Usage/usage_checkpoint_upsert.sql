-- Raises checkpoints to what Redis counted; a row that is as high already is not written.
--   $1 months date[]     $2 clinics uuid[]      $3 epochs bigint[] (bit patterns)
--   $4 used bigint[]     $5 credited bigint[]   (cost units, totals)
--   $6 observed_at timestamptz[] (clock of Redis, UTC)
-- Arrays of equal length, each key once. Uses usage_checkpoint_pkey; locks its rows in key order.
-- Needs the buckets held by usage_month_share or usage_month_claim.
INSERT INTO metering.usage_checkpoint AS held
    (month, clinic_id, epoch, used, credited, observed_at)
SELECT month, clinic_id, epoch, used, credited, observed_at
FROM unnest($1::date[], $2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[], $6::timestamptz[])
    AS mark (month, clinic_id, epoch, used, credited, observed_at)
ORDER BY month, metering.bucket(clinic_id), clinic_id, epoch
ON CONFLICT (month, bucket, clinic_id, epoch) DO UPDATE
SET used = greatest(held.used, excluded.used),
    credited = greatest(held.credited, excluded.credited),
    observed_at = greatest(held.observed_at, excluded.observed_at)
WHERE excluded.used > held.used OR excluded.credited > held.credited
