-- returns statements for the connecting role
-- An existing database: the rights on the team's tables that functions and later files need, which
-- run as metering_owner. The tables stay the team's: metering_owner becomes a member of no role.
-- Answers nothing once all rights are granted.
WITH ours AS (
    SELECT (SELECT oid FROM pg_roles WHERE rolname = 'metering_owner') AS oid
), team AS (
    SELECT c.oid, c.relname, c.relacl FROM pg_class c, ours
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
      AND c.relname IN ('clinics', 'users', 'patients', 'visits', 'clinic_staff', 'audit_logs',
        'file_storage', 'subscription_plans', 'clinic_subscriptions', 'api_usage')
      AND c.relowner IS DISTINCT FROM ours.oid
), wanted AS (
    SELECT oid, relacl, 6 AS rights, format(
        'GRANT SELECT, INSERT, UPDATE, DELETE, REFERENCES, TRIGGER ON TABLE public.%I'
        ' TO metering_owner WITH GRANT OPTION', relname) AS statement,
        ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'REFERENCES', 'TRIGGER'] AS names
    FROM team
    UNION ALL
    SELECT s.oid, s.relacl, 2, format(
        'GRANT USAGE, SELECT ON SEQUENCE %s TO metering_owner WITH GRANT OPTION', s.oid::regclass),
        ARRAY['USAGE', 'SELECT']
    FROM team JOIN pg_depend d ON d.refobjid = team.oid AND d.refclassid = 'pg_class'::regclass
        AND d.classid = 'pg_class'::regclass AND d.deptype = 'a'
    JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
)
SELECT statement, false AS runs_alone FROM wanted, ours
WHERE rights > (
    SELECT count(DISTINCT a.privilege_type) FROM aclexplode(wanted.relacl) a
    WHERE a.grantee = ours.oid AND a.is_grantable AND a.privilege_type = ANY (wanted.names))
ORDER BY statement
