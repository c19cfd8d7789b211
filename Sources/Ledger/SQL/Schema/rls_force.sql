-- returns statements for the connecting role
-- Forces row security on the application's tables that have it on, so that it binds their owners
-- too.
-- Functions that count run as metering_owner, which first gets a policy where it has none. Returns
-- nothing once all are forced. Each statement locks its table exclusively for a moment.
SELECT concat_ws('; ', CASE WHEN NOT EXISTS (SELECT FROM pg_policy p
            WHERE p.polrelid = c.oid AND p.polname = 'metering_owner_all')
        THEN format('CREATE POLICY metering_owner_all ON %s TO metering_owner USING (true)'
            ' WITH CHECK (true)', c.oid::regclass) END,
    format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', c.oid::regclass)) AS statement,
    false AS runs_alone
FROM unnest(ARRAY['clinics', 'users', 'patients', 'visits', 'clinic_staff', 'audit_logs',
    'file_storage', 'clinic_subscriptions', 'api_usage']) AS t (name)
CROSS JOIN LATERAL (
    SELECT to_regclass('public.' || t.name) AS relid
    UNION SELECT relid FROM pg_partition_tree(to_regclass('public.' || t.name))
) AS tree
JOIN pg_class c ON c.oid = tree.relid AND c.relrowsecurity AND NOT c.relforcerowsecurity
ORDER BY c.oid::regclass::text
