-- with the triggers of clinics, subscription_plans, clinic_subscriptions
-- Takes over what clinics may do and where they stand. The application's rows stay as they are. No
-- transaction may change a plan or a subscription between these rows and the triggers.
LOCK TABLE public.subscription_plans, public.clinic_subscriptions IN SHARE ROW EXCLUSIVE MODE;

INSERT INTO metering.clinic_terms (clinic_id) SELECT clinic_id FROM public.clinics
ON CONFLICT (clinic_id) DO NOTHING;

INSERT INTO metering.plan_version
    (plan_id, version, features, max_users, max_patients, effective_from, valid, problem)
SELECT p.plan_id, 1, p.features -> 'metering', coalesce(p.max_users, -1),
    coalesce(p.max_patients, -1),
    to_timestamp(0), checked.problem IS NULL, left(checked.problem, 500)
FROM public.subscription_plans p CROSS JOIN LATERAL (
    SELECT coalesce(metering.plan_problem(p.features -> 'metering'),
        CASE WHEN p.max_users < -1 THEN 'max_users is below -1'
            WHEN p.max_patients < -1 THEN 'max_patients is below -1' END) AS problem
) AS checked;
SELECT metering.note_attention('refused_plan', NULL, v.plan_id::text,
    format('plan %s, version %s: %s', p.name, v.version, v.problem))
FROM metering.plan_version v JOIN public.subscription_plans p ON p.plan_id = v.plan_id
    WHERE NOT v.valid;
INSERT INTO metering.clinic_plan (clinic_id, plan_id, since)
SELECT clinic_id, plan_id, to_timestamp(0) FROM public.clinic_subscriptions;

-- A status that was found holds until the first real fact.
INSERT INTO metering.subscription_fact (clinic_id, kind, at, status, reason, idempotency_key)
SELECT clinic_id, 'legacy_status', now(), metering.standing_status(payment_status),
    'found at the migration', 'legacy'
FROM public.clinic_subscriptions WHERE metering.standing_status(payment_status) IS NOT NULL;
INSERT INTO metering.standing (clinic_id, status, since, cause, next_at)
SELECT clinic_id, metering.standing_status(payment_status), now(), 'declared', now()
FROM public.clinic_subscriptions WHERE metering.standing_status(payment_status) IS NOT NULL;
SELECT metering.note_attention('unknown_status', clinic_id, '',
    metering.unknown_status(payment_status))
FROM public.clinic_subscriptions WHERE metering.standing_status(payment_status) IS NULL;
