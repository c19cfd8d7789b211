-- Row security of schema metering: a role without a policy sees nothing even if somebody grants it a
-- table. clinic_app has neither. Not forced: the owner would need a policy that shows it everything, which
-- protects nothing, and its plain pg_dump would stop.
DO $$
DECLARE
    kept regclass;
BEGIN
    FOR kept IN
        SELECT oid FROM pg_class
        WHERE relnamespace = 'metering'::regnamespace AND relkind IN ('r', 'p')
          AND NOT relrowsecurity
    LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', kept);
        EXECUTE format(
            'CREATE POLICY worker_all ON %s TO metering_worker USING (true) WITH CHECK (true)', kept);
        EXECUTE format(
            'CREATE POLICY admin_reads ON %s FOR SELECT TO billing_admin USING (true)', kept);
    END LOOP;
END
$$;

GRANT SELECT, INSERT, UPDATE ON metering.usage_month, metering.usage_checkpoint,
    metering.redis_epoch, metering.quarantine, metering.api_key TO metering_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON metering.worker_heartbeat TO metering_worker;
GRANT SELECT, INSERT ON metering.usage_adjustment, metering.job_run TO metering_worker;
GRANT SELECT, INSERT, UPDATE ON metering.clinic_config TO metering_worker;
GRANT SELECT ON metering.usage_month, metering.usage_checkpoint, metering.usage_adjustment,
    metering.clinic_config, metering.redis_epoch, metering.quarantine, metering.worker_heartbeat,
    metering.job_run TO billing_admin;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA metering FROM PUBLIC;
GRANT EXECUTE ON FUNCTION metering.bucket(uuid) TO metering_worker, billing_admin;
GRANT EXECUTE ON FUNCTION metering.usage_change(date, smallint, boolean) TO metering_worker;
GRANT EXECUTE ON FUNCTION metering.ensure_month_partitions(int) TO metering_worker;

SELECT metering.ensure_month_partitions(3);
