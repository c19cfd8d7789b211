-- The ledger's rows of these counts; no row for a count that it does not have.
--   $1 months date[]     $2 clinics uuid[]      $3 epochs bigint[] (bit patterns)
-- Arrays of equal length. `place` counts them from 1. Uses usage_checkpoint_pkey. Locks nothing.
SELECT mark.place, held.used, held.credited
FROM unnest($1::date[], $2::uuid[], $3::bigint[]) WITH ORDINALITY
    AS mark (month, clinic_id, epoch, place)
JOIN metering.usage_checkpoint held
    ON held.month = mark.month AND held.bucket = metering.bucket(mark.clinic_id)
    AND held.clinic_id = mark.clinic_id AND held.epoch = mark.epoch
