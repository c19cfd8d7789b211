-- After a row of clinic_subscriptions is stored: a status that differs from the standing was
-- written by the application. It becomes a fact and the current standing, and the worker evaluates
-- it at once. An unknown status is recorded for an operator.
-- Row triggers run after all BEFORE triggers, so this sees the row as it is stored, whatever wrote
-- it.
-- The plans are locked before the standing: an edit of a plan locks the plan before it reaches the
-- standings of its clinics.
CREATE OR REPLACE FUNCTION metering.subscription_written() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    written text;
    held text;
    written_at timestamptz := clock_timestamp();
BEGIN
    PERFORM FROM public.subscription_plans WHERE plan_id IN (
        CASE WHEN TG_OP <> 'INSERT' THEN OLD.plan_id END,
        CASE WHEN TG_OP <> 'DELETE' THEN NEW.plan_id END)
    ORDER BY plan_id FOR SHARE;
    IF TG_OP = 'DELETE' OR (TG_OP = 'UPDATE' AND NEW.clinic_id <> OLD.clinic_id) THEN
        DELETE FROM metering.standing WHERE clinic_id = OLD.clinic_id;
        PERFORM metering.drop_plan_change(OLD.clinic_id);
        PERFORM metering.resolve_attention('unknown_status', OLD.clinic_id, '');
        IF TG_OP = 'DELETE' THEN
            RETURN NULL;
        END IF;
    END IF;
    written := metering.standing_status(NEW.payment_status);
    IF written IS NULL THEN
        PERFORM metering.note_attention(
            'unknown_status', NEW.clinic_id, '', metering.unknown_status(NEW.payment_status));
        DELETE FROM metering.standing WHERE clinic_id = NEW.clinic_id;
        RETURN NULL;
    END IF;
    PERFORM metering.resolve_attention('unknown_status', NEW.clinic_id, '');
    SELECT status INTO held FROM metering.standing WHERE clinic_id = NEW.clinic_id FOR UPDATE;
    IF held IS DISTINCT FROM written THEN
        INSERT INTO metering.subscription_fact (
            clinic_id, kind, at, status, reason, idempotency_key)
        VALUES (NEW.clinic_id, 'declared', written_at, written,
            'written to clinic_subscriptions', 'written:' || gen_random_uuid());
        INSERT INTO metering.standing AS old (clinic_id, status, since, cause, next_at)
        VALUES (NEW.clinic_id, written, written_at, 'declared', written_at)
        ON CONFLICT (clinic_id) DO UPDATE SET status = excluded.status, since = excluded.since,
            cause = excluded.cause, unpaid_since = NULL, next_at = excluded.next_at;
        PERFORM metering.note_move(NEW.clinic_id, held, written, 'declared', written_at);
    ELSIF TG_OP = 'UPDATE'
        AND to_jsonb(NEW) - 'payment_status' IS DISTINCT FROM to_jsonb(OLD) - 'payment_status' THEN
        UPDATE metering.standing SET next_at = written_at WHERE clinic_id = NEW.clinic_id;
    END IF;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION metering.subscription_written FROM PUBLIC;
