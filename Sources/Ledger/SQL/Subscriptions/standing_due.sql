-- Clinics whose standing may change by now, longest due first.
--   $1 rows at most, int
-- Uses standing_next. Locks nothing.
SELECT clinic_id FROM metering.standing WHERE next_at <= now()
    AND EXISTS (SELECT FROM public.clinic_subscriptions s WHERE s.clinic_id = standing.clinic_id)
ORDER BY next_at, clinic_id LIMIT $1::bigint
