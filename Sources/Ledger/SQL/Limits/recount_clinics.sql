-- A page of clinics whose rows are to be counted again: after one of them, by id.
--   $1 clinic uuid      $2 rows at most, int
-- Clinics that were deleted are among them while they have a counter. Uses the primary keys.
SELECT clinic_id FROM (
    (SELECT clinic_id FROM public.clinics WHERE clinic_id > $1::uuid
     ORDER BY clinic_id LIMIT $2::int)
    UNION
    (SELECT clinic_id FROM metering.clinic_counter WHERE clinic_id > $1::uuid
     ORDER BY clinic_id LIMIT $2::int)
) AS known
ORDER BY clinic_id LIMIT $2::int
