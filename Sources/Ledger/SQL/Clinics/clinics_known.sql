-- Every clinic that ever was, also deleted ones, a page at a time: whose counts Redis may hold.
--   $1 uuid (the page starts after it)      $2 rows at most, int
-- Uses clinic_terms_pkey. Locks nothing.
SELECT clinic_id FROM metering.clinic_terms WHERE clinic_id > $1::uuid
ORDER BY clinic_id LIMIT $2::int
