-- Ends an override before its time. No row when it is unknown or over already.
--   $1 id bigint      $2 reason text
-- Uses clinic_override_pkey; its trigger writes the audit log and raises the clinic's config
-- version.
UPDATE metering.clinic_override SET ended_at = now(), ended_by = session_user, end_reason = $2::text
WHERE id = $1::bigint AND ended_at IS NULL
RETURNING clinic_id
