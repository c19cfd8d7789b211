-- What a clinic has and uses now: its plan, and the counts that the plan limits.
--   $1 clinic uuid
-- api_calls is of the current month, as of the last roll-up. Uses the primary keys. Locks nothing.
SELECT p.plan_id, p.name, coalesce(p.max_users, -1) AS max_users,
    coalesce(p.max_patients, -1) AS max_patients, (
        SELECT v.features::text FROM metering.plan_version v WHERE v.plan_id = p.plan_id AND v.valid
        ORDER BY v.version DESC LIMIT 1) AS features,
    coalesce(n.users, 0) AS users, coalesce(n.patients, 0) AS patients,
    coalesce(n.storage_bytes, 0) AS storage,
    coalesce(u.api_calls, 0)::bigint AS api_calls
FROM public.clinic_subscriptions s
LEFT JOIN public.subscription_plans p ON p.plan_id = s.plan_id
LEFT JOIN metering.clinic_counter n ON n.clinic_id = s.clinic_id
LEFT JOIN public.api_usage u ON u.clinic_id = s.clinic_id
    AND u.month = date_trunc('month', now() AT TIME ZONE 'UTC')::date
WHERE s.clinic_id = $1::uuid
