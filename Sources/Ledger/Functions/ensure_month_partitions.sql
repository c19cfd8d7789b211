-- Creates the partitions of both month tables from the month before this one to `months_ahead`
-- after it, and returns the number of new ones. Deletes days older than 13 months. The worker calls
-- it, so it runs with the owner's rights. Attaching a partition leaves readers and writers of the
-- other months alone.
CREATE OR REPLACE FUNCTION metering.ensure_month_partitions(months_ahead int) RETURNS int
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET lock_timeout = '3s'
AS $$
DECLARE
    made int := 0;
    this_month date := date_trunc('month', now() AT TIME ZONE 'UTC')::date;
    oldest date := (this_month - interval '12 months')::date;
    parent record;
    first_day date;
    partition text;
    is_taken boolean;
BEGIN
    IF months_ahead IS NULL OR months_ahead NOT BETWEEN 0 AND 36 THEN
        RAISE EXCEPTION 'months_ahead must be 0 to 36' USING ERRCODE = '22023';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('metering.ensure_month_partitions'));
    FOR parent IN SELECT * FROM (VALUES ('usage_checkpoint', 45), ('usage_daily', 70)) 
        AS t (name, fill)
    LOOP
        FOR step IN -1..months_ahead LOOP
            first_day := (this_month + make_interval(months => step))::date;
            partition := parent.name || '_' || to_char(first_day, 'YYYY_MM');
            CONTINUE WHEN to_regclass('metering.' || partition) IS NOT NULL;
            EXECUTE format('SELECT EXISTS (SELECT FROM metering.%I WHERE month = $1)',
                parent.name || '_default') INTO is_taken USING first_day;
            CONTINUE WHEN is_taken;
            EXECUTE format(
                'CREATE TABLE metering.%I (LIKE metering.%I INCLUDING DEFAULTS'
                ' INCLUDING GENERATED INCLUDING CONSTRAINTS) WITH (fillfactor = %s)',
                partition, parent.name, parent.fill);
            EXECUTE format('ALTER TABLE metering.%I OWNER TO metering_owner', partition);
            EXECUTE format('ALTER TABLE metering.%I ENABLE ROW LEVEL SECURITY', partition);
            EXECUTE format(
                'ALTER TABLE metering.%I ATTACH PARTITION metering.%I FOR VALUES FROM (%L) TO (%L)',
                parent.name, partition, first_day, (first_day + interval '1 month')::date);
            made := made + 1;
        END LOOP;
    END LOOP;
    FOR partition IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'metering.usage_daily'::regclass
          AND c.relname ~ '^usage_daily_[0-9]{4}_[0-9]{2}$'
          AND c.relname < 'usage_daily_' || to_char(oldest, 'YYYY_MM')
    LOOP
        BEGIN
            EXECUTE format('DROP TABLE metering.%I', partition);
        EXCEPTION WHEN lock_not_available THEN
            NULL;  -- A session reads it: the next call drops it.
        END;
    END LOOP;
    DELETE FROM metering.usage_daily_default WHERE month < oldest;
    RETURN made;
END
$$;
REVOKE ALL ON FUNCTION metering.ensure_month_partitions FROM PUBLIC;
GRANT EXECUTE ON FUNCTION metering.ensure_month_partitions TO metering_worker;
