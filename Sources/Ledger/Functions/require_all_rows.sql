-- Refuses tables of which metering_owner would not read every row: without the rights that
-- attaching gave, or where row security hides rows. A hidden row would be taken for one that is
-- gone. The HINT says what to do. (row_security off would do the same in a new database, and refuse
-- to read the team's own tables in an attached one, whatever the policies show.)
--   tables  names in schema public
CREATE OR REPLACE FUNCTION metering.require_all_rows(VARIADIC tables text[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    hiding text;
    remedy text;
BEGIN
    WITH named AS (
        SELECT t.name, c.oid AS relid FROM unnest(tables) AS t (name)
        JOIN pg_class c ON c.oid = to_regclass('public.' || t.name)
    ), binding AS (
        SELECT n.name, n.relid, p.polname, p.polpermissive,
            pg_get_expr(p.polqual, p.polrelid) = 'true' AS shows_all
        FROM named n JOIN pg_policy p ON p.polrelid = n.relid AND p.polcmd IN ('r', '*')
        WHERE row_security_active(n.relid) AND EXISTS (
            SELECT FROM unnest(p.polroles) AS r (role)
            WHERE CASE r.role WHEN 0 THEN true ELSE pg_has_role(r.role, 'USAGE') END)
    ), problem AS (
        SELECT 1 AS place, n.name, format('GRANT SELECT, INSERT, UPDATE, DELETE, REFERENCES, TRIGGER'
            ' ON TABLE public.%I TO metering_owner WITH GRANT OPTION', n.name) AS remedy
        FROM named n WHERE NOT has_table_privilege(n.relid, 'SELECT')
           OR NOT has_table_privilege(n.relid, 'UPDATE')
        UNION ALL
        SELECT 2, b.name, format('the policy %1$I hides rows of public.%2$I from metering_owner:'
            ' ALTER POLICY %1$I ON public.%2$I TO <the roles it is meant for>', b.polname, b.name)
        FROM binding b WHERE NOT b.polpermissive AND b.shows_all IS NOT TRUE
        UNION ALL
        SELECT 3, n.name, format('row security hides rows of public.%1$I from metering_owner:'
            ' DROP POLICY IF EXISTS metering_owner_all ON public.%1$I; CREATE POLICY'
            ' metering_owner_all ON public.%1$I TO metering_owner USING (true) WITH CHECK (true)',
            n.name)
        FROM named n WHERE row_security_active(n.relid) AND NOT EXISTS (
            SELECT FROM binding b WHERE b.relid = n.relid AND b.polpermissive AND b.shows_all)
    )
    SELECT p.name, p.remedy INTO hiding, remedy
    FROM problem p ORDER BY p.place, p.name, p.remedy LIMIT 1;
    IF hiding IS NOT NULL THEN
        RAISE EXCEPTION 'metering_owner cannot read every row of %', hiding
            USING ERRCODE = '42501', SCHEMA = 'public', TABLE = hiding, HINT = remedy;
    END IF;
END
$$;
REVOKE ALL ON FUNCTION metering.require_all_rows FROM PUBLIC;
