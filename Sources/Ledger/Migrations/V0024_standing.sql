-- How facts become a standing, and how a word that the team's own code writes becomes a fact.

-- Before a row is stored: known old words become ours. Another word passes, so that no statement of the team
-- fails that worked before, and is noted; where the table has its CHECK, that refuses it.
CREATE FUNCTION metering.adopt_word() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    word text := metering.standing_word(NEW.payment_status);
BEGIN
    IF word IS NOT NULL THEN
        NEW.payment_status := word;
        PERFORM metering.resolve_attention('unknown_status', NEW.clinic_id, '');
    ELSE
        PERFORM metering.note_attention('unknown_status', NEW.clinic_id, '',
            format('payment_status %L is not known: write one of the eight words', NEW.payment_status));
    END IF;
    RETURN NEW;
END
$$;

-- After it: a word that differs from what we know was written by somebody else. It is a fact, and the standing
-- from now on. The worker looks at once whether anything follows.
CREATE FUNCTION metering.subscription_written() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    word text;
    held text;
    written_at timestamptz := clock_timestamp();
BEGIN
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

-- One evaluation of a clinic at a time. The subscription first: a statement of the team locks it before the
-- standing too.
CREATE FUNCTION metering.lock_standing(clinic uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('metering.standing ' || clinic, 0));
    PERFORM FROM public.clinic_subscriptions WHERE clinic_id = clinic FOR NO KEY UPDATE;
    PERFORM FROM metering.standing WHERE clinic_id = clinic FOR UPDATE;
END
$$;

-- Stores a fact once; a repeated key with the same content answers the fact that is there. The standing is due.
CREATE FUNCTION metering.record_fact(
    clinic uuid, of_kind text, happened_at timestamptz, lasts_until timestamptz, of_invoice text,
    awaits boolean, why text, key text, OUT fact bigint, OUT is_new boolean)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    same boolean;
BEGIN
    IF of_kind IN ('declared', 'legacy_status') THEN
        RAISE EXCEPTION 'a fact of kind % is written by the database alone', of_kind
            USING ERRCODE = '22023';
    END IF;
    INSERT INTO metering.subscription_fact (
        clinic_id, kind, at, until, invoice, awaits_payment, reason, idempotency_key)
    VALUES (clinic, of_kind, happened_at, lasts_until, of_invoice, awaits, why, key)
    ON CONFLICT (clinic_id, idempotency_key) DO NOTHING RETURNING fact_id INTO fact;
    is_new := fact IS NOT NULL;
    IF NOT is_new THEN
        -- The end of a trial and a cancellation at once move with the time of the call.
        SELECT f.fact_id, (f.kind, f.invoice, f.awaits_payment)
                IS NOT DISTINCT FROM (of_kind, of_invoice, awaits)
            AND (of_kind = 'subscribed' OR CASE WHEN f.until > f.at THEN f.until END
                IS NOT DISTINCT FROM CASE WHEN lasts_until > happened_at THEN lasts_until END)
        INTO fact, same FROM metering.subscription_fact f
        WHERE f.clinic_id = clinic AND f.idempotency_key = key;
        IF NOT same THEN
            RAISE EXCEPTION 'this idempotency key was used for another fact'
                USING ERRCODE = 'BQ005', HINT = 'Take a new key for a new fact.';
        END IF;
        RETURN;
    END IF;
    PERFORM metering.audit(clinic, of_kind, 'subscription_fact', fact, jsonb_build_object(
        'reason', why, 'invoice', of_invoice, 'until', lasts_until, 'at', happened_at));
    UPDATE metering.standing SET next_at = least(next_at, clock_timestamp()) WHERE clinic_id = clinic;
END
$$;

-- Stores what an evaluation found. Call it with the standing locked, after reading it.
-- Answers the number of the event; NULL when the status stays.
CREATE FUNCTION metering.apply_standing(
    clinic uuid, new_status text, why text, moved_at timestamptz, open_since timestamptz,
    look_at timestamptz) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    held text;
BEGIN
    SELECT status INTO held FROM metering.standing WHERE clinic_id = clinic FOR UPDATE;
    IF held = new_status THEN
        UPDATE metering.standing SET unpaid_since = open_since, next_at = look_at
        WHERE clinic_id = clinic
          AND (unpaid_since, next_at) IS DISTINCT FROM (open_since, look_at);
        RETURN NULL;
    END IF;
    INSERT INTO metering.standing (clinic_id, status, since, cause, unpaid_since, next_at)
    VALUES (clinic, new_status, moved_at, why, open_since, look_at)
    ON CONFLICT (clinic_id) DO UPDATE SET status = excluded.status, since = excluded.since,
        cause = excluded.cause, unpaid_since = excluded.unpaid_since, next_at = excluded.next_at;
    UPDATE public.clinic_subscriptions SET payment_status = new_status WHERE clinic_id = clinic;
    RETURN metering.note_move(clinic, held, new_status, why, moved_at);
END
$$;

-- Puts the notice of one day of a debt into the outbox, once.
CREATE FUNCTION metering.give_notice(
    clinic uuid, open_since timestamptz, of_day int, suspends timestamptz, cancels timestamptz)
    RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE metering.standing SET noticed_since = open_since, noticed_day = of_day
    WHERE clinic_id = clinic
      AND (noticed_since IS DISTINCT FROM open_since OR noticed_day < of_day);
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO metering.outbox (clinic_id, kind, payload)
    VALUES (clinic, 'dunning_notice', jsonb_build_object('clinic_id', clinic, 'day', of_day,
        'unpaid_since', open_since, 'suspends_at', suspends, 'cancels_at', cancels));
    RETURN true;
END
$$;

-- Puts off an evaluation that failed, so that it does not stand before all others, and notes it.
CREATE FUNCTION metering.defer_standing(clinic uuid, why text) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '1s'
BEGIN ATOMIC
    UPDATE metering.standing SET next_at = now() + interval '5 minutes' WHERE clinic_id = clinic;
    SELECT metering.note_attention('standing_failed', clinic, '', why);
END;

-- A new subscription of a clinic, with the standing that was computed for it.
--   renewing  FALSE needs the column clinic_subscriptions.auto_renew
CREATE FUNCTION metering.write_subscription(
    clinic uuid, new_plan int, first_day date, last_day date, renewing boolean, new_status text,
    why text, moved_at timestamptz, look_at timestamptz) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    held text;
    can_end boolean := EXISTS (SELECT FROM pg_attribute
        WHERE attrelid = 'public.clinic_subscriptions'::regclass AND attname = 'auto_renew'
          AND NOT attisdropped);
BEGIN
    IF NOT renewing AND NOT can_end THEN
        RAISE EXCEPTION 'clinic_subscriptions has no column auto_renew, so nothing can end by its date'
            USING ERRCODE = 'BQ006', HINT = 'ALTER TABLE clinic_subscriptions'
                ' ADD COLUMN auto_renew boolean NOT NULL DEFAULT true';
    END IF;
    PERFORM metering.drop_plan_change(clinic);
    SELECT status INTO held FROM metering.standing WHERE clinic_id = clinic FOR UPDATE;
    INSERT INTO metering.standing (clinic_id, status, since, cause, next_at)
    VALUES (clinic, new_status, moved_at, why, look_at)
    ON CONFLICT (clinic_id) DO UPDATE SET status = excluded.status, since = excluded.since,
        cause = excluded.cause, unpaid_since = NULL, next_at = excluded.next_at;
    INSERT INTO public.clinic_subscriptions (clinic_id, plan_id, start_date, end_date, payment_status)
    VALUES (clinic, new_plan, first_day, last_day, new_status)
    ON CONFLICT (clinic_id) DO UPDATE SET plan_id = excluded.plan_id,
        start_date = excluded.start_date, end_date = excluded.end_date,
        payment_status = excluded.payment_status;
    IF can_end THEN
        EXECUTE 'UPDATE public.clinic_subscriptions SET auto_renew = $2'
            ' WHERE clinic_id = $1 AND auto_renew IS DISTINCT FROM $2' USING clinic, renewing;
    END IF;
    IF held IS NOT DISTINCT FROM new_status THEN
        RETURN NULL;
    END IF;
    RETURN metering.note_move(clinic, held, new_status, why, moved_at);
END
$$;

-- Rows that are there already: their word holds until the first real fact. The rows stay as they are.
LOCK TABLE public.clinic_subscriptions IN SHARE ROW EXCLUSIVE MODE;
INSERT INTO metering.subscription_fact (clinic_id, kind, at, status, reason, idempotency_key)
SELECT clinic_id, 'legacy_status', now(), metering.standing_word(payment_status),
    'found at the migration', 'legacy'
FROM public.clinic_subscriptions WHERE metering.standing_word(payment_status) IS NOT NULL;
INSERT INTO metering.standing (clinic_id, status, since, cause, next_at)
SELECT clinic_id, metering.standing_word(payment_status), now(), 'declared', now()
FROM public.clinic_subscriptions WHERE metering.standing_word(payment_status) IS NOT NULL;
INSERT INTO metering.attention (kind, clinic_id, subject, detail)
SELECT 'unknown_status', clinic_id, '', format(
    'payment_status %L is not known: write one of the eight words', left(payment_status, 200))
FROM public.clinic_subscriptions WHERE metering.standing_word(payment_status) IS NULL;

-- What we wrote into the audit log must not keep a clinic from being deleted: such lines lose their clinic, whose id
-- stays in their details.
CREATE FUNCTION metering.let_clinic_go() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE public.audit_logs
    SET clinic_id = NULL, details = details || jsonb_build_object('clinic_id', OLD.clinic_id)
    WHERE clinic_id = OLD.clinic_id
      AND entity_type IN ('subscription_event', 'subscription_fact', 'plan_change', 'clinic_override');
    RETURN OLD;
EXCEPTION WHEN OTHERS THEN
    -- A log whose lines need a clinic: ours go with it.
    DELETE FROM public.audit_logs WHERE clinic_id = OLD.clinic_id
      AND entity_type IN ('subscription_event', 'subscription_fact', 'plan_change', 'clinic_override');
    RETURN OLD;
END
$$;
REVOKE ALL ON FUNCTION metering.let_clinic_go() FROM PUBLIC;
CREATE TRIGGER let_clinic_go BEFORE DELETE ON public.clinics
    FOR EACH ROW EXECUTE FUNCTION metering.let_clinic_go();

CREATE TRIGGER adopt_word BEFORE INSERT OR UPDATE OF payment_status ON public.clinic_subscriptions
    FOR EACH ROW EXECUTE FUNCTION metering.adopt_word();

-- TRUNCATE fires no trigger that sees its rows: nobody has a subscription after it.
CREATE FUNCTION metering.subscriptions_truncated() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    DELETE FROM metering.standing;
    PERFORM metering.raise_config_version(ARRAY(SELECT clinic_id FROM metering.clinic_config));
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION metering.subscriptions_truncated() FROM PUBLIC;
CREATE TRIGGER subscriptions_truncated AFTER TRUNCATE ON public.clinic_subscriptions
    FOR EACH STATEMENT EXECUTE FUNCTION metering.subscriptions_truncated();
CREATE TRIGGER subscription_written AFTER INSERT OR UPDATE OR DELETE ON public.clinic_subscriptions
    FOR EACH ROW EXECUTE FUNCTION metering.subscription_written();
