-- The waiting plan change of a clinic; no row when there is none.
--   $1 clinic uuid
-- Uses plan_change_waiting. Locks nothing.
SELECT c.effective_at, coalesce(p.name, c.to_plan::text) AS plan FROM metering.plan_change c
LEFT JOIN public.subscription_plans p ON p.plan_id = c.to_plan
WHERE c.clinic_id = $1::uuid AND c.done_at IS NULL AND c.dropped_at IS NULL
