-- The plans of a name, as the application's table has them, locked until COMMIT; mostly one.
--   $1 name text
-- version is the newest one. Reads subscription_plans, which is small; clinics that move to the
-- plan wait.
SELECT p.plan_id, coalesce(p.max_users, -1) AS max_users,
    coalesce(p.max_patients, -1) AS max_patients, p.features::text AS features,
    (SELECT max(v.version) FROM metering.plan_version v WHERE v.plan_id = p.plan_id) AS version
FROM public.subscription_plans p WHERE p.name = $1::text
ORDER BY p.plan_id FOR NO KEY UPDATE
