-- A checksum for each function and view of what the catalog holds of it: all that CREATE OR REPLACE
-- declares, its owner, and the rights of PUBLIC and of our roles. Rights of other roles are the
-- team's. Run it after migration_catalog_settings in the same transaction. Reads the catalog only.
--   $1 names text[]
WITH given AS (
    SELECT p.oid, 'f'::"char" AS kind, p.proowner AS owner, p.proacl AS acl FROM pg_proc p
    WHERE p.pronamespace = 'metering'::regnamespace AND p.proname = ANY ($1::text[])
    UNION ALL
    SELECT c.oid, 'r', c.relowner, c.relacl FROM pg_class c
    WHERE c.relnamespace = 'metering'::regnamespace AND c.relkind = 'v'
      AND c.relname = ANY ($1::text[])
), rights AS (
    SELECT g.oid, g.kind, string_agg(concat_ws(' ', a.privilege_type, 'to', coalesce(r.rolname, 'PUBLIC'),
        CASE WHEN a.is_grantable THEN 'with grant option' END), ', '
        ORDER BY r.rolname, a.privilege_type) AS rights
    FROM given g CROSS JOIN aclexplode(coalesce(g.acl, acldefault(g.kind, g.owner))) AS a
    LEFT JOIN pg_roles r ON r.oid = a.grantee
    WHERE a.grantee = 0 OR r.rolname IN ('metering_worker', 'billing_admin',
        'billing_viewer', 'clinic_app')
    GROUP BY g.oid, g.kind
), described AS (
    SELECT p.proname::text AS name, concat_ws(E'\n', pg_get_userbyid(p.proowner), k.rights,
        pg_get_function_arguments(p.oid), pg_get_function_result(p.oid), l.lanname, p.prosecdef,
        p.proleakproof, p.proisstrict, p.provolatile, p.proparallel, p.procost, p.prorows,
        array_to_string(p.proconfig, ', '), p.prosrc, pg_get_function_sqlbody(p.oid)) AS form
    FROM given g JOIN pg_proc p ON p.oid = g.oid JOIN pg_language l ON l.oid = p.prolang
    LEFT JOIN rights k ON k.oid = g.oid AND k.kind = g.kind
    WHERE g.kind = 'f'
    UNION ALL
    SELECT c.relname::text, concat_ws(E'\n', pg_get_userbyid(c.relowner), k.rights,
        array_to_string(c.reloptions, ', '), pg_get_viewdef(c.oid))
    FROM given g JOIN pg_class c ON c.oid = g.oid
    LEFT JOIN rights k ON k.oid = g.oid AND k.kind = g.kind
    WHERE g.kind = 'r'
)
SELECT name, sha256(convert_to(string_agg(form, E'\n' ORDER BY form), 'UTF8')) AS form
FROM described GROUP BY name
