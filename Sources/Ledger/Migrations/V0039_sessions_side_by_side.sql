-- What two sessions at one clinic decide: functions take their locks first, then look, and in one order.
-- The order is: bucket of a month, configuration of a clinic; and in statements of the application subscription, plan,
-- standing.

-- The same as before, but the month's bucket is held before its units are summed: a give-back of the same moment
-- could hand out the same units. A first roll-up locks the bucket before the configuration too.
CREATE OR REPLACE FUNCTION metering.refund_quota(clinic uuid, given bigint, refund text, why text)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    running date := date_trunc('month', now() AT TIME ZONE 'UTC')::date;
    name text := 'quota refund ' || clinic || ' ' || refund;
    counted numeric;
    entry bigint;
    known bigint;
BEGIN
    PERFORM FROM public.clinics c WHERE c.clinic_id = clinic;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    IF given NOT BETWEEN 1 AND 9007199254740991 OR char_length(refund) NOT BETWEEN 1 AND 100 THEN
        RAISE EXCEPTION 'units are 1 to 2^53 - 1, an id has 1 to 100 characters'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    INSERT INTO metering.usage_month (month, bucket) VALUES (running, metering.bucket(clinic))
    ON CONFLICT (month, bucket) DO NOTHING;
    PERFORM FROM metering.usage_month m
    WHERE m.month = running AND m.bucket = metering.bucket(clinic) FOR UPDATE;
    PERFORM metering.raise_config_version(ARRAY[clinic]);
    SELECT -a.units INTO known FROM metering.usage_adjustment a WHERE a.idempotency_key = name;
    IF FOUND THEN
        IF known <> given THEN
            RAISE EXCEPTION 'refund % of this clinic is known with % units', refund, known
                USING ERRCODE = 'unique_violation';
        END IF;
        RETURN false;
    END IF;
    SELECT coalesce((SELECT sum(u.used - u.credited) FROM metering.usage_checkpoint u
            WHERE u.month = running AND u.bucket = metering.bucket(clinic) AND u.clinic_id = clinic), 0)
        + coalesce((SELECT sum(a.units) FROM metering.usage_adjustment a
            WHERE a.month = running AND a.bucket = metering.bucket(clinic) AND a.clinic_id = clinic), 0)
    INTO counted;
    IF given > counted THEN
        RAISE EXCEPTION 'the month has % units, fewer than are given back', counted
            USING ERRCODE = 'BQ004';
    END IF;
    INSERT INTO metering.usage_adjustment (month, clinic_id, units, reason, idempotency_key)
    VALUES (running, clinic, -given, why, name) RETURNING id INTO entry;
    PERFORM metering.audit_quota(clinic, 'quota_refund', entry, jsonb_build_object(
        'month', to_char(running, 'YYYY-MM'), 'units', given, 'refund', refund, 'reason', why,
        'by', session_user));
    RETURN true;
END
$$;

-- The same as before, but the plans are held before the standing: an edit of a plan holds the plan before it reaches the
-- standings of its clinics.
CREATE OR REPLACE FUNCTION metering.subscription_written() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    word text;
    held text;
    written_at timestamptz := clock_timestamp();
BEGIN
    PERFORM FROM public.subscription_plans WHERE plan_id IN (
        CASE WHEN TG_OP <> 'INSERT' THEN OLD.plan_id END, CASE WHEN TG_OP <> 'DELETE' THEN NEW.plan_id END)
    ORDER BY plan_id FOR SHARE;
    IF TG_OP = 'DELETE' OR (TG_OP = 'UPDATE' AND NEW.clinic_id <> OLD.clinic_id) THEN
        DELETE FROM metering.standing WHERE clinic_id = OLD.clinic_id;
        PERFORM metering.drop_plan_change(OLD.clinic_id);
        PERFORM metering.resolve_attention('unknown_status', OLD.clinic_id, '');
        IF TG_OP = 'DELETE' THEN
            RETURN NULL;
        END IF;
    END IF;
    word := metering.standing_word(NEW.payment_status);
    IF word IS NULL THEN
        DELETE FROM metering.standing WHERE clinic_id = NEW.clinic_id;
        RETURN NULL;
    END IF;
    SELECT status INTO held FROM metering.standing WHERE clinic_id = NEW.clinic_id FOR UPDATE;
    IF held IS DISTINCT FROM word THEN
        INSERT INTO metering.subscription_fact (
            clinic_id, kind, at, status, reason, idempotency_key)
        VALUES (NEW.clinic_id, 'declared', written_at, word,
            'written to clinic_subscriptions', 'written:' || gen_random_uuid());
        INSERT INTO metering.standing AS old (clinic_id, status, since, cause, next_at)
        VALUES (NEW.clinic_id, word, written_at, 'declared', written_at)
        ON CONFLICT (clinic_id) DO UPDATE SET status = excluded.status, since = excluded.since,
            cause = excluded.cause, unpaid_since = NULL, next_at = excluded.next_at;
        PERFORM metering.note_move(NEW.clinic_id, held, word, 'declared', written_at);
    ELSIF TG_OP = 'UPDATE'
        AND to_jsonb(NEW) - 'payment_status' IS DISTINCT FROM to_jsonb(OLD) - 'payment_status' THEN
        UPDATE metering.standing SET next_at = written_at WHERE clinic_id = NEW.clinic_id;
    END IF;
    RETURN NULL;
END
$$;

-- The same as before, but a clinic that moves to the plan at this moment is waited for, and told too.
CREATE OR REPLACE FUNCTION metering.refuse_plan_version(
    refused_plan int, refused_version int, fault text, language int) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM FROM public.subscription_plans p WHERE p.plan_id = refused_plan FOR NO KEY UPDATE;
    UPDATE metering.plan_version v SET valid = false, problem = left(fault, 500), refused_by = language
    WHERE v.plan_id = refused_plan AND v.version = refused_version AND v.valid;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM metering.note_attention('refused_plan', NULL, refused_plan::text,
        format('plan %s, version %s: %s', coalesce(
            (SELECT p.name FROM public.subscription_plans p WHERE p.plan_id = refused_plan), 'of a past'),
            refused_version, fault));
    PERFORM metering.raise_config_version(ARRAY(
        SELECT s.clinic_id FROM public.clinic_subscriptions s WHERE s.plan_id = refused_plan));
    RETURN true;
END
$$;
CREATE OR REPLACE FUNCTION metering.reconsider_plans(language int) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    plans int[];
BEGIN
    PERFORM FROM public.subscription_plans p WHERE p.plan_id IN (
        SELECT v.plan_id FROM metering.plan_version v WHERE v.refused_by < language AND NOT v.valid)
    ORDER BY p.plan_id FOR NO KEY UPDATE;
    WITH tried AS (
        UPDATE metering.plan_version v SET valid = true, problem = NULL, refused_by = NULL
        WHERE v.refused_by < language AND NOT v.valid RETURNING v.plan_id
    )
    SELECT array_agg(plan_id) INTO plans FROM tried;
    IF plans IS NULL THEN
        RETURN 0;
    END IF;
    PERFORM metering.resolve_attention('refused_plan', NULL, plan::text) FROM unnest(plans) AS plan;
    PERFORM metering.raise_config_version(ARRAY(
        SELECT s.clinic_id FROM public.clinic_subscriptions s WHERE s.plan_id = ANY (plans)));
    RETURN cardinality(plans);
END
$$;
