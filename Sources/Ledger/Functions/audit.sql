-- Writes an entry to the team's audit log. If the log refuses it, the team's own statement must not
-- fail: the refusal is recorded for an operator instead. `by` is the login, `said_by` the name that
-- the login gave.
CREATE OR REPLACE FUNCTION metering.audit(
    clinic uuid, what text, entity text, entity_number bigint, more jsonb)
    RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO public.audit_logs (clinic_id, action, entity_type, entity_id, details)
    VALUES (clinic, what, entity, entity_number, more
        || jsonb_build_object('by', session_user)
        || jsonb_strip_nulls(jsonb_build_object('said_by', metering.said_by())));
EXCEPTION WHEN OTHERS THEN
    PERFORM metering.note_attention('audit_refused', clinic, entity,
        format('audit_logs refused %s %s (SQLSTATE %s)', entity, entity_number, SQLSTATE));
END
$$;
REVOKE ALL ON FUNCTION metering.audit FROM PUBLIC;
