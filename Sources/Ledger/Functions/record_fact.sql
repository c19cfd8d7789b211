-- Stores a fact once; a repeated key with the same content returns the existing fact; other
-- content is refused (BQ005). Makes the standing due.
--   lasts_until  end of a trial or hold, due day of an invoice, day of a cancellation
--   awaits       the subscription awaits its first payment
CREATE OR REPLACE FUNCTION metering.record_fact(
    clinic uuid, of_kind text, happened_at timestamptz, lasts_until timestamptz, of_invoice text,
    awaits boolean, why text, key text, OUT fact bigint, OUT is_new boolean)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    same boolean;
BEGIN
    IF of_kind IN ('declared', 'legacy_status') THEN
        RAISE EXCEPTION 'only the database writes facts of kind %', of_kind
            USING ERRCODE = '22023';
    END IF;
    INSERT INTO metering.subscription_fact (
        clinic_id, kind, at, until, invoice, awaits_payment, reason, idempotency_key)
    VALUES (clinic, of_kind, happened_at, lasts_until, of_invoice, awaits, why, key)
    ON CONFLICT (clinic_id, idempotency_key) DO NOTHING RETURNING fact_id INTO fact;
    is_new := fact IS NOT NULL;
    IF NOT is_new THEN
        -- The end of a trial and of an immediate cancellation depend on the time of the call.
        SELECT f.fact_id, (f.kind, f.invoice, f.awaits_payment)
                IS NOT DISTINCT FROM (of_kind, of_invoice, awaits)
            AND (of_kind = 'subscribed' OR CASE WHEN f.until > f.at THEN f.until END
                IS NOT DISTINCT FROM CASE WHEN lasts_until > happened_at THEN lasts_until END)
        INTO fact, same FROM metering.subscription_fact f
        WHERE f.clinic_id = clinic AND f.idempotency_key = key;
        IF NOT same THEN
            RAISE EXCEPTION 'this idempotency key was used for another fact'
                USING ERRCODE = 'BQ005', HINT = 'Use a new key for a new fact.';
        END IF;
        RETURN;
    END IF;
    PERFORM metering.audit(clinic, of_kind, 'subscription_fact', fact, jsonb_build_object(
        'reason', why, 'invoice', of_invoice, 'until', lasts_until, 'at', happened_at));
    UPDATE metering.standing SET next_at = least(next_at, clock_timestamp())
        WHERE clinic_id = clinic;
END
$$;
REVOKE ALL ON FUNCTION metering.record_fact FROM PUBLIC;
GRANT EXECUTE ON FUNCTION metering.record_fact TO billing_admin;
