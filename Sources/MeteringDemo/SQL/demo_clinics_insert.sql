-- Adds clinics that are not there yet.
--   $1 clinic_ids uuid[]   $2 names text[]   $3 subdomains text[], of equal length
-- Uses clinics_pkey; locks the new rows.
INSERT INTO clinics (clinic_id, name, subdomain)
SELECT clinic_id, left(name, 255), subdomain
FROM unnest($1::uuid[], $2::text[], $3::text[]) AS new (clinic_id, name, subdomain)
ON CONFLICT (clinic_id) DO NOTHING
