-- Moves of a clinic to another plan: asked for, waiting for their day, done.
CREATE TABLE metering.plan_change (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    clinic_id uuid NOT NULL,
    from_plan int,
    to_plan int NOT NULL,
    effective_at timestamptz NOT NULL,
    reason text NOT NULL CHECK (char_length(reason) BETWEEN 1 AND 500),
    asked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    asked_by name NOT NULL DEFAULT session_user,
    done_at timestamptz,
    dropped_at timestamptz,
    CHECK (done_at IS NULL OR dropped_at IS NULL)
);
CREATE UNIQUE INDEX plan_change_waiting ON metering.plan_change (clinic_id)
    WHERE done_at IS NULL AND dropped_at IS NULL;

-- What waited is no longer wanted: the clinic has another subscription, or none.
CREATE FUNCTION metering.drop_plan_change(clinic uuid) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    UPDATE metering.plan_change SET dropped_at = clock_timestamp()
    WHERE clinic_id = clinic AND done_at IS NULL AND dropped_at IS NULL;
END;

-- Carries out a change whose day has come. False when it is done, dropped or not due.
CREATE FUNCTION metering.apply_plan_change(change bigint) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    asked metering.plan_change;
    told jsonb;
BEGIN
    PERFORM metering.lock_standing(clinic_id) FROM metering.plan_change WHERE id = change;
    SELECT * INTO asked FROM metering.plan_change
    WHERE id = change AND done_at IS NULL AND dropped_at IS NULL AND effective_at <= clock_timestamp()
    FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM FROM public.subscription_plans WHERE plan_id = asked.to_plan FOR KEY SHARE;
    IF NOT FOUND THEN
        PERFORM metering.drop_plan_change(asked.clinic_id);
        PERFORM metering.note_attention('plan_change_dropped', asked.clinic_id, '',
            'the plan that the clinic was to move to does not exist any more');
        RETURN false;
    END IF;
    UPDATE public.clinic_subscriptions SET plan_id = asked.to_plan WHERE clinic_id = asked.clinic_id;
    IF NOT FOUND THEN
        UPDATE metering.plan_change SET dropped_at = clock_timestamp() WHERE id = change;
        RETURN false;
    END IF;
    UPDATE metering.plan_change SET done_at = clock_timestamp() WHERE id = change;
    told := jsonb_build_object('clinic_id', asked.clinic_id, 'change_id', change,
        'from_plan', asked.from_plan, 'to_plan', asked.to_plan, 'reason', asked.reason);
    PERFORM metering.audit(asked.clinic_id, 'plan_changed', 'plan_change', change, told);
    INSERT INTO metering.outbox (clinic_id, kind, payload)
    VALUES (asked.clinic_id, 'plan_changed', told);
    RETURN true;
END
$$;

-- Asks for a change, at once when its day has come; a change that waited before is dropped.
CREATE FUNCTION metering.ask_plan_change(
    clinic uuid, new_plan int, effective timestamptz, why text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    change bigint;
    old_plan int;
BEGIN
    PERFORM metering.lock_standing(clinic);
    SELECT plan_id INTO old_plan FROM public.clinic_subscriptions WHERE clinic_id = clinic;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the clinic has no subscription' USING ERRCODE = 'BQ007',
            HINT = 'billing subscribe gives it one.';
    END IF;
    PERFORM metering.drop_plan_change(clinic);
    INSERT INTO metering.plan_change (clinic_id, from_plan, to_plan, effective_at, reason)
    VALUES (clinic, old_plan, new_plan, effective, why) RETURNING id INTO change;
    PERFORM metering.audit(clinic, 'plan_change_asked', 'plan_change', change, jsonb_build_object(
        'from_plan', old_plan, 'to_plan', new_plan, 'effective_at', effective, 'reason', why));
    PERFORM metering.apply_plan_change(change);
    RETURN change;
END
$$;

DO $$
DECLARE
    kept regclass;
BEGIN
    FOREACH kept IN ARRAY ARRAY['metering.subscription_fact', 'metering.standing',
        'metering.subscription_event', 'metering.outbox', 'metering.plan_change']::regclass[]
    LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', kept);
        EXECUTE format('CREATE POLICY readers ON %s FOR SELECT TO metering_worker, billing_admin'
            ' USING (true)', kept);
        EXECUTE format('GRANT SELECT ON %s TO metering_worker, billing_admin', kept);
    END LOOP;
END
$$;
-- Whoever acts on a message says so.
CREATE POLICY admin_acts ON metering.outbox FOR UPDATE TO billing_admin USING (true) WITH CHECK (true);
GRANT UPDATE (done_at) ON metering.outbox TO billing_admin;

REVOKE ALL ON FUNCTION metering.standing_word(text),
    metering.audit(uuid, text, text, bigint, jsonb),
    metering.note_move(uuid, text, text, text, timestamptz), metering.adopt_word(),
    metering.subscription_written(), metering.lock_standing(uuid),
    metering.record_fact(uuid, text, timestamptz, timestamptz, text, boolean, text, text),
    metering.apply_standing(uuid, text, text, timestamptz, timestamptz, timestamptz),
    metering.give_notice(uuid, timestamptz, int, timestamptz, timestamptz),
    metering.defer_standing(uuid, text),
    metering.write_subscription(uuid, int, date, date, boolean, text, text, timestamptz, timestamptz),
    metering.apply_plan_change(bigint), metering.ask_plan_change(uuid, int, timestamptz, text),
    metering.drop_plan_change(uuid)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION metering.standing_word(text), metering.lock_standing(uuid),
    metering.apply_standing(uuid, text, text, timestamptz, timestamptz, timestamptz),
    metering.give_notice(uuid, timestamptz, int, timestamptz, timestamptz),
    metering.defer_standing(uuid, text), metering.apply_plan_change(bigint)
    TO metering_worker, billing_admin;
GRANT EXECUTE ON FUNCTION
    metering.record_fact(uuid, text, timestamptz, timestamptz, text, boolean, text, text),
    metering.write_subscription(uuid, int, date, date, boolean, text, text, timestamptz, timestamptz),
    metering.ask_plan_change(uuid, int, timestamptz, text) TO billing_admin;
