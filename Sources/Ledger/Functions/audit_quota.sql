-- Writes an entry to the clinic's audit log. Row security on audit_logs may compare
-- app.current_clinic_id, so this sets it to the clinic and then restores the caller's value.
CREATE OR REPLACE FUNCTION metering.audit_quota(clinic uuid, action text, entry bigint,
    details jsonb)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    caller text := coalesce(current_setting('app.current_clinic_id', true), '');
BEGIN
    PERFORM set_config('app.current_clinic_id', clinic::text, true);
    INSERT INTO public.audit_logs (clinic_id, action, entity_type, entity_id, details)
    VALUES (clinic, action, 'quota', entry, details
        || jsonb_strip_nulls(jsonb_build_object('said_by', metering.said_by())));
    PERFORM set_config('app.current_clinic_id', caller, true);
END
$$;
REVOKE ALL ON FUNCTION metering.audit_quota FROM PUBLIC;
