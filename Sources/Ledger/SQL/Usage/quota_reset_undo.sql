-- Undoes the latest reset of a clinic's running month. Returns the units that count again; NULL when
-- no reset of this month still stands.
--   $1 clinic uuid      $2 reason text (1 to 500 characters)
-- Locks the clinic's row of clinic_terms first.
SELECT metering.undo_quota_reset($1::uuid, $2::text) AS units
