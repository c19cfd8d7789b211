-- Plan changes whose day has come; one that failed comes again when it is to be tried.
--   $1 at most so many
-- Uses plan_change_waiting. Locks nothing.
SELECT id, clinic_id FROM metering.plan_change
WHERE done_at IS NULL AND dropped_at IS NULL AND effective_at <= now() AND coalesce(next_try <= now(), true)
ORDER BY clinic_id LIMIT $1::bigint
