-- Writes each override that was set or ended to the audit log of its clinic, and raises its config
-- version. Row security on audit_logs may compare app.current_clinic_id, so this sets
-- it to the clinic and then restores the caller's value. An override whose time is over ends even
-- when the audit log refuses the entry, and the refusal is recorded. An override that a person sets
-- or ends is refused together with its entry.
CREATE OR REPLACE FUNCTION metering.override_changed() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    changed record;
    caller text := coalesce(current_setting('app.current_clinic_id', true), '');
BEGIN
    FOR changed IN
        SELECT n.*, CASE WHEN n.ended_at IS NULL THEN 'override_set'
            WHEN n.ended_by IS NULL THEN 'override_over' ELSE 'override_ended' END AS action
        FROM new_rows n ORDER BY n.clinic_id, n.id
    LOOP
        BEGIN
            PERFORM set_config('app.current_clinic_id', changed.clinic_id::text, true);
            INSERT INTO public.audit_logs (clinic_id, action, entity_type, entity_id, details)
            SELECT c.clinic_id, changed.action, 'clinic_override', changed.id, jsonb_strip_nulls(
                jsonb_build_object('what', changed.what, 'value', changed.value, 'rate',
                    changed.rate,
                    'per_us', changed.per, 'burst', changed.burst, 'until', changed.until,
                    'reason', coalesce(changed.end_reason, changed.reason),
                    'by', CASE changed.action WHEN 'override_set' THEN changed.created_by
                        ELSE changed.ended_by END,
                    'said_by', CASE WHEN changed.action <> 'override_over'
                        THEN metering.said_by() END))
            FROM public.clinics c WHERE c.clinic_id = changed.clinic_id;
        EXCEPTION WHEN OTHERS THEN
            IF changed.action <> 'override_over' THEN
                RAISE;
            END IF;
            PERFORM metering.note_attention('audit_refused', changed.clinic_id, 'clinic_override',
                format('audit_logs refused clinic_override %s (SQLSTATE %s)', changed.id,
                    SQLSTATE));
        END;
    END LOOP;
    PERFORM set_config('app.current_clinic_id', caller, true);
    PERFORM metering.raise_config_version(ARRAY(SELECT clinic_id FROM new_rows));
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION metering.override_changed FROM PUBLIC;
