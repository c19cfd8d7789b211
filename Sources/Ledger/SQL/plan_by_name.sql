-- A plan by its name, or by its number where no plan has that name; the newest of several.
--   $1 name or number
-- Reads subscription_plans, which is short. Locks nothing.
SELECT plan_id, name, max_users, max_patients, (features -> 'metering')::text AS features,
    (features #> '{metering,standing}')::text AS schedule
FROM public.subscription_plans
WHERE name = $1::text OR plan_id::text = $1::text ORDER BY name = $1::text DESC, plan_id DESC LIMIT 1
