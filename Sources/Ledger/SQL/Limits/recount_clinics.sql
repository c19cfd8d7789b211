-- A batch of clinics whose rows must be counted again: those after $1, by id.
--   $1 clinic uuid      $2 rows at most, int
-- Includes deleted clinics while they have a counter. Uses the primary keys.
SELECT clinic_id FROM (
    (SELECT clinic_id FROM public.clinics WHERE clinic_id > $1::uuid
     ORDER BY clinic_id LIMIT $2::int)
    UNION
    (SELECT clinic_id FROM metering.clinic_counter WHERE clinic_id > $1::uuid
     ORDER BY clinic_id LIMIT $2::int)
) AS known
ORDER BY clinic_id LIMIT $2::int
