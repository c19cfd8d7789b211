-- The latest moves of a clinic, newest first.
--   $1 clinic uuid      $2 rows at most, int
-- Uses subscription_event_clinic. Locks nothing.
SELECT event_id, from_status, to_status, cause, at, recorded_by FROM metering.subscription_event
WHERE clinic_id = $1::uuid ORDER BY event_id DESC LIMIT $2::bigint
