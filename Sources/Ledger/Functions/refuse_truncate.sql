-- Refuses TRUNCATE where limits are enforced, because it fires no trigger that sees its rows. The
-- table's owner may allow it with SET LOCAL metering.allow_truncate = on; then, and while limits
-- are only observed, all rows are counted again afterwards.
CREATE OR REPLACE FUNCTION metering.refuse_truncate() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    caller name := CASE current_setting('role')
        WHEN 'none' THEN session_user ELSE current_setting('role') END;
BEGIN
    IF NOT (SELECT enforced FROM metering.limit_mode) THEN
        RETURN NULL;
    END IF;
    IF current_setting('metering.allow_truncate', true) IS DISTINCT FROM 'on' OR NOT pg_has_role(
        caller, (SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'USAGE')
    THEN
        RAISE EXCEPTION 'TRUNCATE of % would bypass the limits', TG_TABLE_NAME
            USING ERRCODE = 'BQ004', HINT = 'Use DELETE, or as the owner of the table: '
                'SET LOCAL metering.allow_truncate = on';
    END IF;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION metering.refuse_truncate FROM PUBLIC;
