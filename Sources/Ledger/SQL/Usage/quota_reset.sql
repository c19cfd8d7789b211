-- Restarts the quota of a clinic's running month. Returns the units that no longer count against
-- it; NULL for an unknown clinic.
--   $1 clinic uuid      $2 reason text (1 to 500 characters)
-- Locks the clinic's row of clinic_terms first.
SELECT metering.reset_quota($1::uuid, $2::text) AS units
