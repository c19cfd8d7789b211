-- returns statements for the connecting role
-- Row security for those of the application's tables with a clinic_id that have a policy for
-- clinic_app and do not have it on; clinic_app then gets its rights on them. Returns nothing once
-- all have it. Each statement locks its table exclusively for a moment.
WITH given AS (
    SELECT c.oid, t.rights FROM (VALUES
        ('users', 'SELECT, INSERT, UPDATE, DELETE'), ('patients', 'SELECT, INSERT, UPDATE, DELETE'),
        ('visits', 'SELECT, INSERT, UPDATE, DELETE'),
        ('clinic_staff', 'SELECT, INSERT, UPDATE, DELETE'),
        ('file_storage', 'SELECT, INSERT, UPDATE, DELETE'), ('audit_logs', 'SELECT, INSERT'),
        ('clinics', 'SELECT'), ('clinic_subscriptions', 'SELECT'), ('api_usage', 'SELECT')
    ) AS t (name, rights)
    CROSS JOIN LATERAL (
        SELECT to_regclass('public.' || t.name) AS relid
        UNION SELECT relid FROM pg_partition_tree(to_regclass('public.' || t.name))
    ) AS tree
    JOIN pg_class c ON c.oid = tree.relid AND NOT c.relrowsecurity
    WHERE EXISTS (SELECT FROM pg_policy p JOIN pg_roles r ON r.oid = ANY (p.polroles)
        WHERE p.polrelid = c.oid AND r.rolname = 'clinic_app')
)
SELECT concat_ws('; ', format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', g.oid::regclass),
        format('GRANT %s ON TABLE %s TO clinic_app', g.rights, g.oid::regclass),
        (SELECT string_agg(format('GRANT USAGE ON SEQUENCE %s TO clinic_app', s.oid::regclass),
            '; ')
         FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
         WHERE d.refobjid = g.oid AND d.refclassid = 'pg_class'::regclass
           AND d.classid = 'pg_class'::regclass AND d.deptype = 'a')) AS statement,
    false AS runs_alone
FROM given g ORDER BY g.oid::regclass::text
