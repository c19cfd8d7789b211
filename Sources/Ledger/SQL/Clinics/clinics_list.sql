-- Clinics with their plan and standing, by subdomain and then by id.
--   $1 text that the name or the subdomain contains, in any case, or the id itself; NULL = any
--   $2 clinic uuid, or NULL for all      $3 most rows bigint
-- days are text, because an application may store infinity. Reads all clinics. Locks nothing.
SELECT c.clinic_id, c.name, c.subdomain, p.name AS plan,
    coalesce(metering.standing_status(s.payment_status), s.payment_status)::text AS standing,
    n.since, s.start_date::text AS first_day, s.end_date::text AS last_day
FROM public.clinics c
LEFT JOIN public.clinic_subscriptions s ON s.clinic_id = c.clinic_id
LEFT JOIN public.subscription_plans p ON p.plan_id = s.plan_id
LEFT JOIN metering.standing n ON n.clinic_id = c.clinic_id
WHERE ($2::uuid IS NULL OR c.clinic_id = $2::uuid)
  AND ($1::text IS NULL OR c.clinic_id::text = lower($1::text)
    OR strpos(lower(c.name), lower($1::text)) > 0
    OR strpos(lower(c.subdomain), lower($1::text)) > 0)
ORDER BY c.subdomain NULLS LAST, c.clinic_id
LIMIT $3::bigint
