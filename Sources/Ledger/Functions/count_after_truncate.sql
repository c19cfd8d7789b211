-- Counts again after TRUNCATE. While limits are only observed, TRUNCATE runs at every isolation
-- level; above READ COMMITTED, where nothing can be counted again at once, the daily recount does.
CREATE OR REPLACE FUNCTION metering.count_after_truncate() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted')
        AND NOT (SELECT enforced FROM metering.limit_mode)
    THEN
        PERFORM metering.note_attention('counters_stale', NULL, TG_TABLE_NAME,
            'TRUNCATE above READ COMMITTED: counters are wrong until billing limits recount');
        RETURN NULL;
    END IF;
    PERFORM metering.recount(ARRAY(SELECT clinic_id FROM metering.clinic_counter));
    DELETE FROM metering.counter_drift WHERE found_at = now();
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION metering.count_after_truncate FROM PUBLIC;
