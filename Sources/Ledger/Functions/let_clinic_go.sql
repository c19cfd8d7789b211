-- Entries that metering wrote to the audit log must not keep a clinic from being deleted. They lose
-- their clinic_id; its value stays in their details.
CREATE OR REPLACE FUNCTION metering.let_clinic_go() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE public.audit_logs
    SET clinic_id = NULL, details = details || jsonb_build_object('clinic_id', OLD.clinic_id)
    WHERE clinic_id = OLD.clinic_id
      AND entity_type IN ('subscription_event', 'subscription_fact', 'plan_change',
          'clinic_override');
    RETURN OLD;
EXCEPTION WHEN OTHERS THEN
    -- When entries of the log need a clinic, those of metering are deleted with it.
    DELETE FROM public.audit_logs WHERE clinic_id = OLD.clinic_id
      AND entity_type IN ('subscription_event', 'subscription_fact', 'plan_change',
          'clinic_override');
    RETURN OLD;
END
$$;
REVOKE ALL ON FUNCTION metering.let_clinic_go FROM PUBLIC;
