-- Compares the stored payment_status of a clinic with its standing. One that differs was written by
-- the application: it becomes a fact and the current standing, and the worker evaluates it at once.
-- An unknown status ends the standing and is recorded for an operator. True when they were the same.
CREATE OR REPLACE FUNCTION metering.note_status(clinic uuid, stored text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    written text := metering.standing_status(stored);
    held text;
    written_at timestamptz := clock_timestamp();
BEGIN
    IF written IS NULL THEN
        PERFORM metering.note_attention(
            'unknown_status', clinic, '', metering.unknown_status(stored));
        DELETE FROM metering.standing WHERE clinic_id = clinic;
        RETURN false;
    END IF;
    PERFORM metering.resolve_attention('unknown_status', clinic, '');
    SELECT status INTO held FROM metering.standing WHERE clinic_id = clinic FOR UPDATE;
    IF held = written THEN
        RETURN true;
    END IF;
    INSERT INTO metering.subscription_fact (clinic_id, kind, at, status, reason, idempotency_key)
    VALUES (clinic, 'declared', written_at, written, 'written to clinic_subscriptions',
        'written:' || gen_random_uuid());
    INSERT INTO metering.standing AS old (clinic_id, status, since, cause, next_at)
    VALUES (clinic, written, written_at, 'declared', written_at)
    ON CONFLICT (clinic_id) DO UPDATE SET status = excluded.status, since = excluded.since,
        cause = excluded.cause, unpaid_since = NULL, next_at = excluded.next_at;
    PERFORM metering.note_move(clinic, held, written, 'declared', written_at);
    RETURN false;
END
$$;
REVOKE ALL ON FUNCTION metering.note_status FROM PUBLIC;
