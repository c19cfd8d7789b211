-- Clinics that called in one of two months, a page at a time in order of (bucket, clinic).
--   $1, $2 months date      $3 bucket smallint, $4 clinic uuid (the page starts after them)
--   $5 rows at most, int
-- Uses the primary keys of the two partitions. Locks nothing.
(SELECT DISTINCT bucket, clinic_id FROM metering.usage_checkpoint
 WHERE month = $1::date AND (bucket, clinic_id) > ($3::smallint, $4::uuid)
 ORDER BY bucket, clinic_id LIMIT $5::int)
UNION
(SELECT DISTINCT bucket, clinic_id FROM metering.usage_checkpoint
 WHERE month = $2::date AND (bucket, clinic_id) > ($3::smallint, $4::uuid)
 ORDER BY bucket, clinic_id LIMIT $5::int)
ORDER BY bucket, clinic_id LIMIT $5::int
