-- Every clinic whose counts Redis may hold, even a deleted one, in batches.
--   $1 uuid (the batch starts after it)      $2 rows at most, int
-- Uses clinic_terms_pkey. Locks nothing.
SELECT clinic_id FROM metering.clinic_terms WHERE clinic_id > $1::uuid
ORDER BY clinic_id LIMIT $2::int
