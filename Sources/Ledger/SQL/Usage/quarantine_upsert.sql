-- Keeps refused checkpoints, one row for each count and reason: the highest seen, how often, and
-- when.
--   $1 months date[]     $2 clinics uuid[]      $3 epochs bigint[] (bit patterns)
--   $4 used bigint[]     $5 credited bigint[]   (cost units, totals)
--   $6 reason text, 1 to 200 characters, of all of them
-- Arrays of equal length; the same key twice is merged. Uses quarantine_reason_key; locks its rows
-- in key order.
INSERT INTO metering.quarantine AS held (month, clinic_id, epoch, used, credited, reason, times)
SELECT month, clinic_id, epoch, max(used), max(credited), left($6::text, 200), count(*)
FROM unnest($1::date[], $2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[])
    AS mark (month, clinic_id, epoch, used, credited)
GROUP BY month, clinic_id, epoch
ORDER BY month, clinic_id, epoch
ON CONFLICT (month, clinic_id, epoch, reason) DO UPDATE
SET used = greatest(held.used, excluded.used),
    credited = greatest(held.credited, excluded.credited),
    times = held.times + excluded.times, last_seen = now()
