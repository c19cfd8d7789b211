-- The clinic of a subdomain.
--   $1 subdomain text
-- Uses clinics_subdomain_key. Locks nothing.
SELECT clinic_id FROM public.clinics WHERE subdomain = $1::text
