-- Row security of the application's tables: clinic_app sees and writes one clinic.
--
-- The clinic is named once per transaction: SET LOCAL app.current_clinic_id = '<uuid>'. Unset and
-- empty (what a finished SET LOCAL leaves behind) give no rows; a malformed value is error 22P02.
-- ENABLE without FORCE: the owner's COPY and pg_dump go on working. Policies cover every command;
-- which commands clinic_app may use at all is said by the grants of the next migration.
-- Partitions carry the same policy, because a query that names one does not pass the parent's.
DO $$
DECLARE
    tenant regclass;
BEGIN
    FOR tenant IN
        SELECT c.oid FROM pg_class c
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'clinic_id' AND NOT a.attisdropped
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
          AND c.relowner = 'metering_owner'::regrole
    LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', tenant);
        EXECUTE format($policy$
            CREATE POLICY clinic_isolation ON %s FOR ALL TO clinic_app
            USING (clinic_id = nullif(current_setting('app.current_clinic_id', true), '')::uuid)
            WITH CHECK (clinic_id = nullif(current_setting('app.current_clinic_id', true), '')::uuid)
            $policy$, tenant);
    END LOOP;
END
$$;

-- The worker counts and the administrator reports over all clinics, without BYPASSRLS.
CREATE POLICY worker_reads ON public.clinics FOR SELECT TO metering_worker, billing_admin
    USING (true);
CREATE POLICY worker_reads ON public.users FOR SELECT TO metering_worker, billing_admin
    USING (true);
CREATE POLICY worker_reads ON public.patients FOR SELECT TO metering_worker, billing_admin
    USING (true);
CREATE POLICY worker_reads ON public.clinic_staff FOR SELECT TO metering_worker, billing_admin
    USING (true);
CREATE POLICY worker_reads ON public.file_storage FOR SELECT TO metering_worker, billing_admin
    USING (true);
CREATE POLICY worker_reads ON public.clinic_subscriptions
    FOR SELECT TO metering_worker, billing_admin USING (true);
CREATE POLICY admin_reads ON public.api_usage FOR SELECT TO billing_admin USING (true);
CREATE POLICY worker_writes ON public.api_usage FOR ALL TO metering_worker
    USING (true) WITH CHECK (true);
