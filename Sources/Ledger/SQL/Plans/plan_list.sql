-- Every plan, or those of one name, by number, with the newest version that is in use.
--   $1 name text, or NULL for all
-- features are those of the application's table; version and used are of the version in use,
-- problem of the newest one when it is another. Reads plan_version and clinic_subscriptions once;
-- locks nothing.
SELECT p.plan_id, p.name, coalesce(p.max_users, -1) AS max_users,
    coalesce(p.max_patients, -1) AS max_patients, p.features::text AS features,
    good.version, good.features::text AS used,
    CASE WHEN newest.version IS DISTINCT FROM good.version THEN newest.problem END AS problem,
    (SELECT count(*) FROM public.clinic_subscriptions s WHERE s.plan_id = p.plan_id) AS clinics
FROM public.subscription_plans p
LEFT JOIN LATERAL (
    SELECT v.version, v.problem FROM metering.plan_version v WHERE v.plan_id = p.plan_id
    ORDER BY v.version DESC LIMIT 1
) AS newest ON true
LEFT JOIN LATERAL (
    SELECT v.version, v.features FROM metering.plan_version v WHERE v.plan_id = p.plan_id
        AND v.valid
    ORDER BY v.version DESC LIMIT 1
) AS good ON true
WHERE $1::text IS NULL OR p.name = $1::text
ORDER BY p.plan_id
