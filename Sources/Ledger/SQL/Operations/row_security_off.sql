-- Tables without row security: those of schema metering, and the application's that hold rows of
-- clinics, with their partitions. has_policy: clinic_app has a policy, so row security can be
-- switched on.
-- Reads the catalog only; locks nothing.
WITH kept AS (
    SELECT c.oid, true AS is_ours FROM pg_class c
    WHERE c.relnamespace = to_regnamespace('metering') AND c.relkind IN ('r', 'p')
    UNION
    SELECT tree.relid, false FROM unnest(ARRAY['clinics', 'users', 'patients', 'visits',
        'clinic_staff', 'audit_logs', 'file_storage', 'clinic_subscriptions', 'api_usage'])
        AS t (name)
    CROSS JOIN LATERAL (
        SELECT to_regclass('public.' || t.name) AS relid
        UNION SELECT relid FROM pg_partition_tree(to_regclass('public.' || t.name))
    ) AS tree
)
SELECT format('%I.%I', s.nspname, c.relname) AS relation, k.is_ours,
    EXISTS (SELECT FROM pg_policy p JOIN pg_roles r ON r.oid = ANY (p.polroles)
        WHERE p.polrelid = c.oid AND r.rolname = 'clinic_app') AS has_policy
FROM kept k JOIN pg_class c ON c.oid = k.oid AND NOT c.relrowsecurity
JOIN pg_namespace s ON s.oid = c.relnamespace
ORDER BY k.is_ours, relation LIMIT 1000
