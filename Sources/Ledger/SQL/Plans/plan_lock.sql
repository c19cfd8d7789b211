-- The plans of a name, as the application's table has them, locked until COMMIT; mostly one.
--   $1 name text      $2 features jsonb that a file gives
-- version is the newest one. merged is what features would become; PostgreSQL writes both in the same
-- way, so equal values are equal texts. Reads subscription_plans, which is small; clinics that move
-- to the plan wait.
SELECT p.plan_id, coalesce(p.max_users, -1) AS max_users,
    coalesce(p.max_patients, -1) AS max_patients, coalesce(p.features, '{}')::text AS features,
    (coalesce(p.features, '{}') || $2::jsonb)::text AS merged,
    (SELECT max(v.version) FROM metering.plan_version v WHERE v.plan_id = p.plan_id) AS version
FROM public.subscription_plans p WHERE p.name = $1::text
ORDER BY p.plan_id FOR NO KEY UPDATE
