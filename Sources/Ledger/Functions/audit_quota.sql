-- Writes an entry into the clinic's audit log. A team that keeps audit_logs by row security names
-- the clinic in app.current_clinic_id: so does this, and restores the caller's own value.
CREATE OR REPLACE FUNCTION metering.audit_quota(clinic uuid, action text, entry bigint, details jsonb)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    caller text := coalesce(current_setting('app.current_clinic_id', true), '');
BEGIN
    PERFORM set_config('app.current_clinic_id', clinic::text, true);
    INSERT INTO public.audit_logs (clinic_id, action, entity_type, entity_id, details)
    VALUES (clinic, action, 'quota', entry, details);
    PERFORM set_config('app.current_clinic_id', caller, true);
END
$$;
REVOKE ALL ON FUNCTION metering.audit_quota FROM PUBLIC;
