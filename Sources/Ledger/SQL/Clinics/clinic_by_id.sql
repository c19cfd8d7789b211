-- A clinic, if it exists.
--   $1 clinic uuid
-- Uses clinics_pkey. Locks nothing.
SELECT clinic_id FROM public.clinics WHERE clinic_id = $1::uuid
