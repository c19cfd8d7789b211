-- Adds a clinic, once for each subdomain.
--   $1 name text (1 to 255 characters)      $2 subdomain text (1 to 63 characters)
-- Uses clinics_subdomain_key.
SELECT clinic AS clinic_id, is_new FROM metering.add_clinic($1::text, $2::text)
