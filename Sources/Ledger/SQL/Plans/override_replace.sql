-- Ends a clinic's override of one kind, because another replaces it.
--   $1 clinic uuid      $2 what text
-- Uses clinic_override_open; locks that row until COMMIT.
UPDATE metering.clinic_override SET ended_at = now(), ended_by = session_user,
    end_reason = 'replaced'
WHERE clinic_id = $1::uuid AND what = $2::text AND ended_at IS NULL
