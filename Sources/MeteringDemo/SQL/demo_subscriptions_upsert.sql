-- Puts clinics on plans, active for a year from today.
--   $1 clinic_ids uuid[]   $2 plan names text[], of equal length
-- Uses clinic_subscriptions_pkey; locks the rows it writes. A clinic that is on the plan already is left as it is.
INSERT INTO clinic_subscriptions AS old (clinic_id, plan_id, start_date, end_date, payment_status)
SELECT new.clinic_id, (SELECT min(plan_id) FROM subscription_plans WHERE name = new.plan),
    current_date, current_date + 365, 'active'
FROM unnest($1::uuid[], $2::text[]) AS new (clinic_id, plan)
ORDER BY new.clinic_id
ON CONFLICT (clinic_id) DO UPDATE SET plan_id = excluded.plan_id
WHERE old.plan_id IS DISTINCT FROM excluded.plan_id
