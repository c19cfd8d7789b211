-- Which of these counts the ledger holds: its row is as high or higher. Returns their places from
-- 1.
--   $1 months date[]     $2 clinics uuid[]      $3 epochs bigint[] (bit patterns)
--   $4 used bigint[]     $5 credited bigint[]   (cost units, totals)
-- Uses usage_checkpoint_pkey. Locks nothing: counts never fall.
SELECT mark.place FROM unnest($1::date[], $2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[])
    WITH ORDINALITY AS mark (month, clinic_id, epoch, used, credited, place)
JOIN metering.usage_checkpoint held
  ON held.month = mark.month AND held.bucket = metering.bucket(mark.clinic_id)
 AND held.clinic_id = mark.clinic_id AND held.epoch = mark.epoch
 AND held.used >= mark.used AND held.credited >= mark.credited
ORDER BY mark.place
