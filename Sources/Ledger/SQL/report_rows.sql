-- One month of every clinic that existed in it, by subdomain, then clinic_id.
--   $1 month date      $2 clinic uuid, or NULL for all
-- Usage comes from api_usage only. users counts people: members and staff, each once.
-- Uses clinics_pkey, api_usage_pkey and the clinic indexes of users and patients. Locks nothing.
SELECT c.clinic_id, c.subdomain, c.name, p.plan_id, p.name AS plan, p.max_users, p.max_patients,
    (p.features -> 'metering')::text AS features, s.payment_status,
    coalesce(u.api_calls, 0) AS api_calls, coalesce(u.storage_used, 0) AS storage_used,
    (SELECT count(*) FROM (
        SELECT m.id FROM public.users m WHERE m.clinic_id = c.clinic_id
        UNION
        SELECT t.user_id FROM public.clinic_staff t WHERE t.clinic_id = c.clinic_id
    ) AS seat) AS users,
    (SELECT count(*) FROM public.patients n WHERE n.clinic_id = c.clinic_id) AS patients
FROM public.clinics c
LEFT JOIN public.api_usage u ON u.clinic_id = c.clinic_id AND u.month = $1::date
LEFT JOIN public.clinic_subscriptions s ON s.clinic_id = c.clinic_id
LEFT JOIN public.subscription_plans p ON p.plan_id = s.plan_id
WHERE ($2::uuid IS NULL OR c.clinic_id = $2::uuid)
  AND (u.clinic_id IS NOT NULL OR $2::uuid IS NOT NULL
       OR coalesce(c.created_at < ($1::date + interval '1 month') AT TIME ZONE 'UTC', true))
ORDER BY c.subdomain COLLATE "C" NULLS LAST, c.clinic_id
