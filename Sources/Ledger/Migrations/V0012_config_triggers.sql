-- Every change of an input raises the clinic's config version; a statement that changes nothing
-- raises nothing.

CREATE FUNCTION metering.clinic_input_added() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF TG_TABLE_NAME = 'clinic_subscriptions' THEN
        -- An edit of the plan and a move to it wait for each other: whoever is second raises last.
        PERFORM FROM public.subscription_plans
        WHERE plan_id IN (SELECT plan_id FROM new_rows) ORDER BY plan_id FOR SHARE;
    END IF;
    PERFORM metering.raise_config_version(ARRAY(SELECT clinic_id FROM new_rows));
    RETURN NULL;
END
$$;

CREATE FUNCTION metering.clinic_input_changed() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF TG_TABLE_NAME = 'clinic_subscriptions' THEN
        PERFORM FROM public.subscription_plans
        WHERE plan_id IN (SELECT plan_id FROM new_rows) ORDER BY plan_id FOR SHARE;
    END IF;
    PERFORM metering.raise_config_version(ARRAY(
        SELECT clinic_id FROM (
            (TABLE old_rows EXCEPT TABLE new_rows) UNION ALL (TABLE new_rows EXCEPT TABLE old_rows)
        ) AS changed));
    RETURN NULL;
END
$$;

CREATE FUNCTION metering.clinic_input_removed() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM metering.raise_config_version(ARRAY(SELECT clinic_id FROM old_rows));
    RETURN NULL;
END
$$;

-- A plan's edit raises all its clinics. It must see the clinics that moved to the plan while it
-- waited for their locks; a snapshot taken before cannot, so older snapshots are refused.
CREATE FUNCTION metering.plan_changed() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
        RAISE EXCEPTION 'a plan is edited in a READ COMMITTED transaction'
            USING ERRCODE = '0A000',
            HINT = 'Begin the transaction that edits subscription_plans with READ COMMITTED.';
    END IF;
    PERFORM metering.raise_config_version(ARRAY(
        SELECT s.clinic_id FROM public.clinic_subscriptions s WHERE s.plan_id IN (
            SELECT plan_id FROM (TABLE new_rows EXCEPT TABLE old_rows) AS edited)));
    RETURN NULL;
END
$$;

CREATE TRIGGER config_version_insert AFTER INSERT ON public.clinics
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION metering.clinic_input_added();
CREATE TRIGGER config_version_update AFTER UPDATE ON public.clinics
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION metering.clinic_input_changed();
CREATE TRIGGER config_version_delete AFTER DELETE ON public.clinics
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION metering.clinic_input_removed();

CREATE TRIGGER config_version_insert AFTER INSERT ON public.clinic_subscriptions
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION metering.clinic_input_added();
CREATE TRIGGER config_version_update AFTER UPDATE ON public.clinic_subscriptions
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION metering.clinic_input_changed();
CREATE TRIGGER config_version_delete AFTER DELETE ON public.clinic_subscriptions
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION metering.clinic_input_removed();

-- A plan is inserted before any clinic can have it and deleted after the last one left.
CREATE TRIGGER config_version_update AFTER UPDATE ON public.subscription_plans
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION metering.plan_changed();
