-- returns statements for the connecting role
-- What our roles see of the application's tables where row security is on. Where it is off, these
-- policies have no effect. The team's own policies stay as they are, and so does row security
-- itself.
--
-- clinic_app sees and writes one clinic, named once per transaction: SET LOCAL
-- app.current_clinic_id = '<uuid>'. Unset and empty (what a finished SET LOCAL leaves behind) give
-- no rows; a malformed value is error 22P02. The worker counts and the administrator reports over
-- all clinics, without BYPASSRLS.
-- Policies cover every command; the grants of the next file say which commands a role may use at
-- all.
-- Partitions carry the policies too, because a query that names one does not pass its parent's.
WITH named AS (
    SELECT c.oid AS relid, c.relname AS relation, n.name,
        c.relowner IS DISTINCT FROM to_regrole('metering_owner') AS is_of_team
    FROM (VALUES
        ('clinics'), ('users'), ('patients'), ('visits'), ('clinic_staff'), ('audit_logs'),
        ('file_storage'), ('subscription_plans'), ('clinic_subscriptions'), ('api_usage')
    ) AS n (name)
    CROSS JOIN LATERAL (
        SELECT to_regclass('public.' || n.name) AS relid
        UNION SELECT relid FROM pg_partition_tree(to_regclass('public.' || n.name))
    ) AS tree JOIN pg_class c ON c.oid = tree.relid AND c.relkind IN ('r', 'p')
        AND c.relnamespace = 'public'::regnamespace
), wanted AS (
    SELECT n.relid, n.relation, p.policy, p.body FROM named n CROSS JOIN LATERAL (VALUES
        ('metering_owner_all', n.is_of_team, 'TO metering_owner USING (true) WITH CHECK (true)'),
        ('metering_reads', n.name NOT IN ('visits', 'audit_logs'),
            'FOR SELECT TO metering_worker, billing_admin, billing_viewer USING (true)'),
        ('metering_writes', n.name = 'api_usage',
            'TO metering_worker USING (true) WITH CHECK (true)'),
        ('metering_plans', n.name = 'subscription_plans',
            'TO billing_admin USING (true) WITH CHECK (true)'),
        ('metering_app', n.name <> 'subscription_plans' AND EXISTS (
                SELECT FROM pg_attribute a WHERE a.attrelid = n.relid AND a.attname = 'clinic_id'
                  AND NOT a.attisdropped AND a.atttypid = 'uuid'::regtype),
            'TO clinic_app USING (clinic_id = nullif('
            'current_setting(''app.current_clinic_id'', true), '''')::uuid) WITH CHECK (clinic_id'
            ' = nullif(current_setting(''app.current_clinic_id'', true), '''')::uuid)'),
        ('metering_app', n.name = 'subscription_plans', 'FOR SELECT TO clinic_app USING (true)')
    ) AS p (policy, applies, body)
    WHERE p.applies AND NOT EXISTS (
        SELECT FROM pg_policy k WHERE k.polrelid = n.relid AND k.polname = p.policy)
)
-- All policies of a table at once: it is locked against every other use for that moment.
SELECT string_agg(format('CREATE POLICY %I ON public.%I %s', policy, relation, body), '; '
        ORDER BY policy) AS statement, false AS runs_alone
FROM wanted GROUP BY relation ORDER BY relation
