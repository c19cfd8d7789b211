-- What a standing is computed from apart from facts, and the stored standing.
--   $1 clinic uuid
-- now is the clock at this moment, not at the start of the transaction. For a clinic without a
-- subscription has_subscription is false and its other columns are NULL. features is the key
-- `metering` of the plan's newest good version. Uses the primary keys. Locks nothing.
SELECT clock_timestamp() AS now, c.clinic_id IS NOT NULL AS has_clinic, h.status, h.since, h.cause,
    h.unpaid_since,
    h.next_at, s.clinic_id IS NOT NULL AS has_subscription, s.payment_status, s.start_date,
    s.end_date,
    coalesce((to_jsonb(s) ->> 'auto_renew')::boolean, true) AS renews, p.plan_id, p.name AS plan,
    (SELECT v.features::text FROM metering.plan_version v WHERE v.plan_id = p.plan_id AND v.valid
     ORDER BY v.version DESC LIMIT 1) AS features
FROM (SELECT $1::uuid AS clinic_id) AS given
LEFT JOIN public.clinics c ON c.clinic_id = given.clinic_id
LEFT JOIN metering.standing h ON h.clinic_id = given.clinic_id
LEFT JOIN public.clinic_subscriptions s ON s.clinic_id = given.clinic_id
LEFT JOIN public.subscription_plans p ON p.plan_id = s.plan_id
