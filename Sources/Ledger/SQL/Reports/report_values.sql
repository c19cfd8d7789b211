-- The values that clinics can be filtered by: names of plans, or values of payment_status.
--   $1 'plan' or 'status', text     $2 values at most, int
-- For 'status' reads every subscription once. Locks nothing.
SELECT DISTINCT known.value FROM (
    SELECT name::text AS value FROM public.subscription_plans WHERE $1::text = 'plan'
    UNION ALL
    SELECT payment_status::text FROM public.clinic_subscriptions WHERE $1::text = 'status'
) AS known
ORDER BY known.value LIMIT $2::int
