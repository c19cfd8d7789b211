-- Logins with rights on the application's tables that see no row of them, as row security is now:
-- neither superuser, BYPASSRLS nor owner, and without a policy. One row a login, its tables in one
-- text; 20 at most.
-- Reads the catalog only; locks nothing.
WITH tenant AS (
    SELECT c.oid, c.relname, c.relowner, c.relforcerowsecurity
    FROM unnest(ARRAY['clinics', 'users', 'patients', 'visits', 'clinic_staff', 'audit_logs',
        'file_storage', 'clinic_subscriptions', 'api_usage']) AS t (name)
    JOIN pg_class c ON c.oid = to_regclass('public.' || t.name) AND c.relrowsecurity
)
SELECT r.rolname::text AS login, string_agg(t.relname::text, ', ' ORDER BY t.relname) AS tables
FROM pg_roles r CROSS JOIN tenant t
WHERE r.rolcanlogin AND NOT r.rolsuper AND NOT r.rolbypassrls
  AND (has_any_column_privilege(r.oid, t.oid, 'SELECT, INSERT, UPDATE')
       OR has_table_privilege(r.oid, t.oid, 'DELETE'))
  AND (t.relforcerowsecurity OR NOT pg_has_role(r.oid, t.relowner, 'USAGE'))
  AND NOT EXISTS (
    SELECT FROM pg_policy p CROSS JOIN unnest(p.polroles) AS named
    WHERE p.polrelid = t.oid AND p.polpermissive
      AND (named = 0 OR pg_has_role(r.oid, named, 'USAGE')))
GROUP BY r.rolname ORDER BY r.rolname LIMIT 20
