-- Records a version of each plan that a statement inserted or changed, and resolves findings about
-- deleted ones.
CREATE OR REPLACE FUNCTION metering.note_plan_version() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        PERFORM metering.resolve_attention('refused_plan', NULL, o.plan_id::text) FROM old_rows o;
        RETURN NULL;
    END IF;
    PERFORM metering.record_plan_version(n.plan_id::int, n.name, n.features -> 'metering',
        n.max_users, n.max_patients, clock_timestamp())
    FROM new_rows n ORDER BY n.plan_id;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION metering.note_plan_version FROM PUBLIC;
