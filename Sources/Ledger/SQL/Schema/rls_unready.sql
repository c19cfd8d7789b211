-- The application's tables without a clinic_id, for which row security cannot be switched on.
SELECT c.relname::text AS relation
FROM unnest(ARRAY['clinics', 'users', 'patients', 'visits', 'clinic_staff', 'audit_logs',
    'file_storage', 'clinic_subscriptions', 'api_usage']) AS t (name)
JOIN pg_class c ON c.oid = to_regclass('public.' || t.name)
WHERE NOT c.relrowsecurity AND NOT EXISTS (
    SELECT FROM pg_policy p JOIN pg_roles r ON r.oid = ANY (p.polroles)
    WHERE p.polrelid = c.oid AND r.rolname = 'clinic_app')
ORDER BY c.relname
