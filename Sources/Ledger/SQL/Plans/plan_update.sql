-- Changes a plan where it differs; returns the version that is newest then. Keys of features that
-- are not given stay.
--   $1 plan_id int      $2 max_users int, −1 = unlimited      $3 max_patients int
--   $4 features jsonb
-- Uses subscription_plans_pkey; its triggers raise the config version of every clinic of the plan.
UPDATE public.subscription_plans SET max_users = $2::int, max_patients = $3::int,
    features = coalesce(features, '{}') || $4::jsonb
WHERE plan_id = $1::int
  AND (max_users, max_patients, features)
    IS DISTINCT FROM ($2::int, $3::int, coalesce(features, '{}') || $4::jsonb)
