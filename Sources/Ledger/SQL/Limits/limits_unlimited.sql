-- How many clinics have no plan, and so no limit. Uses the primary keys; locks nothing.
SELECT count(*) AS clinics FROM public.clinics c
WHERE NOT EXISTS (
    SELECT FROM public.clinic_subscriptions s
    WHERE s.clinic_id = c.clinic_id AND s.plan_id IS NOT NULL)
