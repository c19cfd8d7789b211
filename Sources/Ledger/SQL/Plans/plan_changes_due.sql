-- Due plan changes; a failed one is due again at its next attempt.
--   $1 rows at most, int
-- Uses plan_change_waiting. Locks nothing.
SELECT id, clinic_id FROM metering.plan_change
WHERE done_at IS NULL AND dropped_at IS NULL AND effective_at <= now()
    AND coalesce(next_try <= now(), true)
ORDER BY clinic_id LIMIT $1::bigint
