-- Logins with rights on the application's tables that would see no row of them with row security
-- on:
-- neither superuser, BYPASSRLS nor owner, and without a policy. One row a login, its tables in one
-- text.
--   $1 boolean, whether it is forced: then owners need a policy too
-- Reads tables that --rls would switch on, or that --force-rls would force. Locks nothing.
WITH tenant AS (
    SELECT c.oid, c.relname, c.relowner FROM unnest(ARRAY['clinics', 'users', 'patients', 'visits',
        'clinic_staff', 'audit_logs', 'file_storage', 'clinic_subscriptions',
        'api_usage']) AS t (name)
    JOIN pg_class c ON c.oid = to_regclass('public.' || t.name)
    WHERE (NOT c.relrowsecurity OR $1::boolean AND NOT c.relforcerowsecurity)
      AND EXISTS (SELECT FROM pg_policy p JOIN pg_roles r ON r.oid = ANY (p.polroles)
        WHERE p.polrelid = c.oid AND r.rolname = 'clinic_app')
)
SELECT r.rolname::text AS login, string_agg(t.relname::text, ', ' ORDER BY t.relname) AS tables
FROM pg_roles r CROSS JOIN tenant t
WHERE r.rolcanlogin AND NOT r.rolsuper AND NOT r.rolbypassrls
  AND (has_any_column_privilege(r.oid, t.oid, 'SELECT, INSERT, UPDATE')
       OR has_table_privilege(r.oid, t.oid, 'DELETE'))
  AND ($1::boolean OR NOT pg_has_role(r.oid, t.relowner, 'USAGE'))
  AND NOT EXISTS (
    SELECT FROM pg_policy p CROSS JOIN unnest(p.polroles) AS named
    WHERE p.polrelid = t.oid AND p.polpermissive
      AND (named = 0 OR pg_has_role(r.oid, named, 'USAGE')))
GROUP BY r.rolname ORDER BY r.rolname
