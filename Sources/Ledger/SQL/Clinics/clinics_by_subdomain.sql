-- The clinics of subdomains; no row for an unknown subdomain.
--   $1 subdomains text[]
-- Uses clinics_subdomain_key. Locks nothing.
SELECT subdomain, clinic_id FROM public.clinics WHERE subdomain = ANY ($1::text[])
