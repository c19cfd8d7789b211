-- The application's tables: rows are the planner's estimate, NULL when it has none. relation is
-- NULL where a table would be created. Reads the catalog only; locks nothing.
SELECT n.name, c.relname::text AS relation, c.relowner::regrole::text AS owner,
    c.relrowsecurity AS has_row_security, nullif(c.reltuples, -1)::bigint AS rows,
    pg_total_relation_size(c.oid) AS bytes
FROM unnest(ARRAY['clinics', 'users', 'patients', 'visits', 'clinic_staff', 'audit_logs',
    'file_storage', 'subscription_plans', 'clinic_subscriptions', 'api_usage'])
    WITH ORDINALITY AS n (name, place)
LEFT JOIN pg_class c ON c.oid = to_regclass('public.' || n.name)
ORDER BY n.place
