-- as the connecting role
-- What each role may do with the application's tables. No role but their owner deletes rows that
-- others count on. No table is locked. Safe to repeat.
--
-- The worker and the reports count people and never read who they are; plans are an administrator's
-- to write. The application works on the records of the clinic in app.current_clinic_id: others
-- write what the clinic is, bought and used, and the audit log only grows. clinic_app gets rights
-- only on tables with row security: without it they would be rights on every clinic. `migrate
-- --rls` gives the others.
GRANT SELECT ON public.clinics, public.subscription_plans, public.clinic_subscriptions,
    public.api_usage TO metering_worker, billing_admin, billing_viewer;
GRANT SELECT (id, clinic_id) ON public.users, public.patients
    TO metering_worker, billing_admin, billing_viewer;
GRANT SELECT (clinic_id, user_id) ON public.clinic_staff
    TO metering_worker, billing_admin, billing_viewer;
GRANT SELECT (clinic_id, size_bytes) ON public.file_storage
    TO metering_worker, billing_admin, billing_viewer;
GRANT INSERT, UPDATE ON public.api_usage TO metering_worker;
GRANT INSERT (name, max_users, max_patients, features),
    UPDATE (name, max_users, max_patients, features)
    ON public.subscription_plans TO billing_admin;

DO $$
DECLARE
    numbers text := pg_get_serial_sequence('public.subscription_plans', 'plan_id');
BEGIN
    IF numbers IS NOT NULL THEN
        EXECUTE format('GRANT USAGE ON SEQUENCE %s TO billing_admin', numbers);
    END IF;
END
$$;

DO $$
DECLARE
    given record;
BEGIN
    FOR given IN
        SELECT c.oid::regclass AS relation, t.rights FROM (VALUES
            ('users', 'SELECT, INSERT, UPDATE, DELETE'),
            ('patients', 'SELECT, INSERT, UPDATE, DELETE'),
            ('visits', 'SELECT, INSERT, UPDATE, DELETE'),
            ('clinic_staff', 'SELECT, INSERT, UPDATE, DELETE'),
            ('file_storage', 'SELECT, INSERT, UPDATE, DELETE'), ('audit_logs', 'SELECT, INSERT'),
            ('clinics', 'SELECT'), ('subscription_plans', 'SELECT'),
            ('clinic_subscriptions', 'SELECT'), ('api_usage', 'SELECT')
        ) AS t (name, rights)
        JOIN pg_class c ON c.oid = to_regclass('public.' || t.name)
        WHERE c.relrowsecurity OR t.name = 'subscription_plans'
    LOOP
        EXECUTE format('GRANT %s ON %s TO clinic_app', given.rights, given.relation);
    END LOOP;
    FOR given IN
        SELECT s.oid::regclass AS relation FROM pg_class c
        JOIN pg_depend d ON d.refobjid = c.oid AND d.refclassid = 'pg_class'::regclass
            AND d.classid = 'pg_class'::regclass AND d.deptype = 'a'
        JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
        WHERE c.relnamespace = 'public'::regnamespace AND c.relrowsecurity
          AND c.relname IN ('users', 'patients', 'visits', 'audit_logs')
    LOOP
        EXECUTE format('GRANT USAGE ON SEQUENCE %s TO clinic_app', given.relation);
    END LOOP;
END
$$;
