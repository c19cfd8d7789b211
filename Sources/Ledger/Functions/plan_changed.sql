-- Raises the config version of all clinics of an edited plan. It must see the clinics that moved to
-- the plan while it waited for their locks; a snapshot taken before cannot, so older snapshots are
-- refused. Rows are compared as text, as in clinic_input_changed.
CREATE OR REPLACE FUNCTION metering.plan_changed() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
        RAISE EXCEPTION 'plans can only be edited in a READ COMMITTED transaction'
            USING ERRCODE = '0A000',
            HINT = 'Start the transaction with BEGIN ISOLATION LEVEL READ COMMITTED.';
    END IF;
    PERFORM metering.raise_config_version(ARRAY(
        SELECT s.clinic_id FROM public.clinic_subscriptions s WHERE s.plan_id IN (
            SELECT plan_id FROM (
                SELECT n.plan_id, n::text FROM new_rows n
                EXCEPT SELECT o.plan_id, o::text FROM old_rows o) AS edited)));
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION metering.plan_changed FROM PUBLIC;
