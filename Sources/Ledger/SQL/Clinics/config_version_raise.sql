-- Makes a clinic's config version higher than another one; returns it. No row for an unknown
-- clinic.
--   $1 clinic uuid      $2 version bigint to be exceeded, below 2^53 − 1
-- Uses clinic_terms_pkey; locks the clinic's row until commit.
INSERT INTO metering.clinic_terms AS known (clinic_id, config_version)
SELECT c.clinic_id, greatest($2::bigint, 0) + 1 FROM public.clinics c WHERE c.clinic_id = $1::uuid
ON CONFLICT (clinic_id) DO UPDATE
SET config_version = greatest(known.config_version, excluded.config_version),
    changed_xid = pg_current_xact_id()
RETURNING config_version
