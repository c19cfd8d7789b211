-- What clinics may do and where they stand. The application's rows stay as they are. No transaction
-- may change a clinic, a plan or a subscription between these rows and the triggers, so the three
-- tables are locked against writing.
--
-- What was found the first time has been so for ever, and a status is a fact of kind legacy_status.
-- Later a difference is a change that was written now: a version of its plan, a move to a plan, a
-- declared status. Entries of audit_logs need nothing: where they refer to clinics, a clinic could
-- not be deleted while let_clinic_go was missing.
CREATE OR REPLACE FUNCTION metering.take_over_terms(is_first boolean, missed text[])
    RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found_at timestamptz;
BEGIN
    PERFORM metering.require_all_rows('clinics', 'subscription_plans', 'clinic_subscriptions');
    LOCK TABLE public.clinics, public.subscription_plans, public.clinic_subscriptions
        IN SHARE ROW EXCLUSIVE MODE;
    -- Before the lock a policy may still have changed.
    PERFORM metering.require_all_rows('clinics', 'subscription_plans', 'clinic_subscriptions');
    -- A take-over whose record was lost is not repeated: what was found then has a history now.
    is_first := is_first AND NOT EXISTS (
        SELECT FROM metering.clinic_plan UNION ALL SELECT FROM metering.plan_version
        UNION ALL SELECT FROM metering.subscription_fact);
    found_at := CASE WHEN is_first THEN to_timestamp(0) ELSE clock_timestamp() END;
    PERFORM metering.raise_config_version(ARRAY(
        SELECT clinic_id FROM public.clinics UNION SELECT clinic_id FROM metering.clinic_terms));
    PERFORM metering.record_plan_version(p.plan_id::int, p.name, p.features -> 'metering',
        p.max_users, p.max_patients, found_at)
    FROM public.subscription_plans p ORDER BY p.plan_id;
    PERFORM metering.resolve_attention('refused_plan', NULL, a.subject) FROM metering.attention a
    WHERE a.kind = 'refused_plan' AND a.resolved_at IS NULL AND NOT EXISTS (
        SELECT FROM public.subscription_plans p WHERE p.plan_id::text = a.subject);
    INSERT INTO metering.clinic_plan AS held (clinic_id, plan_id, since)
    SELECT s.clinic_id, s.plan_id, found_at FROM public.clinic_subscriptions s
    ORDER BY s.clinic_id
    ON CONFLICT (clinic_id) DO UPDATE SET plan_id = excluded.plan_id, since = excluded.since
    WHERE held.plan_id IS DISTINCT FROM excluded.plan_id;
    IF is_first THEN
        -- A status that was found holds until the first real fact.
        INSERT INTO metering.subscription_fact (
            clinic_id, kind, at, status, reason, idempotency_key)
        SELECT clinic_id, 'legacy_status', now(), metering.standing_status(payment_status),
            'found at the migration', 'legacy'
        FROM public.clinic_subscriptions
        WHERE metering.standing_status(payment_status) IS NOT NULL;
        INSERT INTO metering.standing (clinic_id, status, since, cause, next_at)
        SELECT clinic_id, metering.standing_status(payment_status), now(), 'declared', now()
        FROM public.clinic_subscriptions
        WHERE metering.standing_status(payment_status) IS NOT NULL;
        PERFORM metering.note_attention('unknown_status', clinic_id, '',
            metering.unknown_status(payment_status))
        FROM public.clinic_subscriptions WHERE metering.standing_status(payment_status) IS NULL;
        RETURN NULL;
    END IF;
    PERFORM metering.forget_subscription(gone.clinic_id) FROM (
        SELECT clinic_id FROM metering.standing
        UNION SELECT clinic_id FROM metering.plan_change
        WHERE done_at IS NULL AND dropped_at IS NULL
        UNION SELECT clinic_id FROM metering.attention
        WHERE kind = 'unknown_status' AND resolved_at IS NULL
        EXCEPT SELECT clinic_id FROM public.clinic_subscriptions
    ) AS gone;
    PERFORM metering.note_status(s.clinic_id, s.payment_status) FROM public.clinic_subscriptions s
    ORDER BY s.clinic_id;
    -- A date that a standing depends on may have changed.
    UPDATE metering.standing SET next_at = least(next_at, clock_timestamp());
    RETURN CASE WHEN missed && ARRAY['metering_adopt_status', 'metering_subscription_written',
            'metering_subscriptions_truncated', 'metering_plan_move_insert',
            'metering_plan_move_update', 'metering_plan_version_insert',
            'metering_plan_version_update', 'metering_plan_version_delete']
        THEN 'changes of plans and subscriptions made meanwhile count from now; of several, the last'
        END;
END
$$;
REVOKE ALL ON FUNCTION metering.take_over_terms FROM PUBLIC;
