-- Plans by name, or by number where no plan has that name; two rows where a name is not unique.
--   $1 name or number
-- features is the key `metering` of the newest good version. Reads subscription_plans, which is
-- short. Locks nothing.
SELECT p.plan_id, p.name, coalesce(p.max_users, -1) AS max_users,
    coalesce(p.max_patients, -1) AS max_patients, p.name = $1::text AS is_named,
    (SELECT v.features::text FROM metering.plan_version v WHERE v.plan_id = p.plan_id AND v.valid
     ORDER BY v.version DESC LIMIT 1) AS features
FROM public.subscription_plans p
WHERE p.name = $1::text OR p.plan_id::text = $1::text ORDER BY is_named DESC, p.plan_id LIMIT 2
