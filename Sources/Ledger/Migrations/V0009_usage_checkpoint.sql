-- What Redis counted, as totals: one row per month, clinic and epoch. used and credited only rise.
--   billed  net units that a closed month was billed for
-- Usage outlives a clinic, so nothing here refers to clinics. The key begins with the bucket, so a
-- roll-up of one bucket reads one range. No index holds what changes and pages keep room: updates
-- stay on their page (HOT).
CREATE TABLE metering.usage_checkpoint (
    month date NOT NULL,
    bucket smallint NOT NULL GENERATED ALWAYS AS (metering.bucket(clinic_id)) STORED,
    clinic_id uuid NOT NULL,
    epoch bigint NOT NULL,
    used bigint NOT NULL,
    credited bigint NOT NULL,
    billed bigint NOT NULL DEFAULT 0,
    observed_at timestamptz NOT NULL,
    PRIMARY KEY (month, bucket, clinic_id, epoch),
    CONSTRAINT usage_checkpoint_month_check CHECK (extract(day FROM month) = 1),
    CONSTRAINT usage_checkpoint_epoch_check CHECK (epoch <> 0),
    CONSTRAINT usage_checkpoint_used_check CHECK (used BETWEEN 0 AND 9007199254740991),
    CONSTRAINT usage_checkpoint_credited_check CHECK (credited BETWEEN 0 AND used)
) PARTITION BY RANGE (month);

-- A month nobody prepared lands here and stays here.
CREATE TABLE metering.usage_checkpoint_default
    PARTITION OF metering.usage_checkpoint DEFAULT WITH (fillfactor = 45);

-- Makes partitions from the month before this one to `months_ahead` after it; returns how many are
-- new. Attaching leaves readers and writers of the other months alone. The worker calls it, so it
-- runs with the owner's rights.
CREATE FUNCTION metering.ensure_month_partitions(months_ahead int) RETURNS int
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET lock_timeout = '3s'
AS $$
DECLARE
    made int := 0;
    this_month date := date_trunc('month', now() AT TIME ZONE 'UTC')::date;
    first_day date;
    partition text;
BEGIN
    IF months_ahead IS NULL OR months_ahead NOT BETWEEN 0 AND 36 THEN
        RAISE EXCEPTION 'months_ahead is outside 0...36' USING ERRCODE = '22023';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('metering.ensure_month_partitions'));
    FOR step IN -1..months_ahead LOOP
        first_day := (this_month + make_interval(months => step))::date;
        partition := 'usage_checkpoint_' || to_char(first_day, 'YYYY_MM');
        CONTINUE WHEN to_regclass('metering.' || partition) IS NOT NULL;
        CONTINUE WHEN EXISTS (
            SELECT FROM metering.usage_checkpoint_default WHERE month = first_day);
        EXECUTE format(
            'CREATE TABLE metering.%I (LIKE metering.usage_checkpoint INCLUDING DEFAULTS'
            ' INCLUDING GENERATED INCLUDING CONSTRAINTS) WITH (fillfactor = 45)', partition);
        EXECUTE format('ALTER TABLE metering.%I OWNER TO metering_owner', partition);
        EXECUTE format('ALTER TABLE metering.%I ENABLE ROW LEVEL SECURITY', partition);
        EXECUTE format(
            'ALTER TABLE metering.usage_checkpoint ATTACH PARTITION metering.%I'
            ' FOR VALUES FROM (%L) TO (%L)', partition, first_day,
            (first_day + interval '1 month')::date);
        made := made + 1;
    END LOOP;
    RETURN made;
END
$$;
