-- Creates a plan and returns its number. Its triggers write version 1.
--   $1 name text      $2 max_users int, −1 = unlimited      $3 max_patients int
--   $4 features jsonb
INSERT INTO public.subscription_plans (name, max_users, max_patients, features)
VALUES ($1::text, $2::int, $3::int, $4::jsonb)
RETURNING plan_id
