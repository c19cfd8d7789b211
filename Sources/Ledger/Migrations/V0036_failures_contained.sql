-- One clinic that fails holds up no other, also where a plan change or the end of an override fails.

-- When a change that failed is tried again; NULL = its day decides.
ALTER TABLE metering.plan_change ADD COLUMN next_try timestamptz;

-- Puts a plan change that failed off for five minutes and notes it.
CREATE FUNCTION metering.defer_plan_change(change bigint, why text) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '1s'
BEGIN ATOMIC
    UPDATE metering.plan_change SET next_try = now() + interval '5 minutes'
    WHERE id = change AND done_at IS NULL AND dropped_at IS NULL;
    SELECT metering.note_attention('plan_change_failed', c.clinic_id, '', why)
    FROM metering.plan_change c WHERE c.id = change AND c.done_at IS NULL AND c.dropped_at IS NULL;
END;

-- A change that had failed is done or dropped.
CREATE FUNCTION metering.plan_change_settled() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM metering.resolve_attention('plan_change_failed', NEW.clinic_id, '');
    RETURN NULL;
END
$$;
CREATE TRIGGER plan_change_settled AFTER UPDATE OF done_at, dropped_at ON metering.plan_change
    FOR EACH ROW WHEN (NEW.next_try IS NOT NULL)
    EXECUTE FUNCTION metering.plan_change_settled();

-- As V0024 has it, and a plan change that waited does not come to a later subscription.
CREATE OR REPLACE FUNCTION metering.subscriptions_truncated() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    DELETE FROM metering.standing;
    UPDATE metering.plan_change SET dropped_at = clock_timestamp()
    WHERE done_at IS NULL AND dropped_at IS NULL;
    PERFORM metering.raise_config_version(ARRAY(SELECT clinic_id FROM metering.clinic_config));
    RETURN NULL;
END
$$;

-- As V0027 has it, except that an override whose time is over ends although the audit log refuses the line:
-- what refuses it is noted. One that a person sets or ends is still refused together with its line.
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
                jsonb_build_object('what', changed.what, 'value', changed.value, 'rate', changed.rate,
                    'per_us', changed.per, 'burst', changed.burst, 'until', changed.until,
                    'reason', coalesce(changed.end_reason, changed.reason),
                    'by', CASE changed.action WHEN 'override_set' THEN changed.created_by
                        ELSE changed.ended_by END))
            FROM public.clinics c WHERE c.clinic_id = changed.clinic_id;
        EXCEPTION WHEN OTHERS THEN
            IF changed.action <> 'override_over' THEN
                RAISE;
            END IF;
            PERFORM metering.note_attention('audit_refused', changed.clinic_id, 'clinic_override',
                format('audit_logs refused clinic_override %s (SQLSTATE %s)', changed.id, SQLSTATE));
        END;
    END LOOP;
    PERFORM set_config('app.current_clinic_id', caller, true);
    PERFORM metering.raise_config_version(ARRAY(SELECT clinic_id FROM new_rows));
    RETURN NULL;
END
$$;

REVOKE ALL ON FUNCTION metering.defer_plan_change(bigint, text), metering.plan_change_settled()
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION metering.defer_plan_change(bigint, text) TO metering_worker, billing_admin;
