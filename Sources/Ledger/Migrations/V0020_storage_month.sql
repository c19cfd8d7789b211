-- Bytes of files by month: what a clinic held when the month ended, and the most it held in it.
--
-- A month has a row when something changed in it; before and between, the latest earlier row holds. The
-- clock is read under the counter's lock, so rows of one clinic follow each other as its changes do; the
-- start of a transaction would let a slow one write last month's row after this month's.
CREATE TABLE metering.storage_month (
    clinic_id uuid NOT NULL,
    month date NOT NULL CHECK (extract(day FROM month) = 1),
    bytes bigint NOT NULL CHECK (bytes >= 0),
    peak bigint NOT NULL CHECK (peak >= bytes),
    PRIMARY KEY (clinic_id, month)
) WITH (fillfactor = 45);

CREATE FUNCTION metering.note_storage() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO metering.storage_month AS held (clinic_id, month, bytes, peak)
    VALUES (NEW.clinic_id, date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC')::date,
        greatest(0, NEW.storage_bytes), greatest(0, OLD.storage_bytes, NEW.storage_bytes))
    ON CONFLICT (clinic_id, month) DO UPDATE
    SET bytes = excluded.bytes, peak = greatest(held.peak, excluded.bytes);
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION metering.note_storage() FROM PUBLIC;

LOCK TABLE metering.clinic_counter IN SHARE ROW EXCLUSIVE MODE;
CREATE TRIGGER note_storage AFTER UPDATE ON metering.clinic_counter
    FOR EACH ROW WHEN (OLD.storage_bytes IS DISTINCT FROM NEW.storage_bytes)
    EXECUTE FUNCTION metering.note_storage();
INSERT INTO metering.storage_month (clinic_id, month, bytes, peak)
SELECT clinic_id, date_trunc('month', now() AT TIME ZONE 'UTC')::date, storage_bytes, storage_bytes
FROM metering.clinic_counter WHERE storage_bytes > 0;

ALTER TABLE metering.storage_month ENABLE ROW LEVEL SECURITY;
CREATE POLICY readers ON metering.storage_month FOR SELECT TO metering_worker, billing_admin
    USING (true);
GRANT SELECT ON metering.storage_month TO metering_worker, billing_admin;

-- What api_usage shall hold for one month and bucket, beside what it holds now:
--   calls    Σ epochs (used − credited) + Σ adjustments; kept as it is where the ledger has nothing
--   storage  bytes at the end of the month, or now while it runs; kept as it is before the first record,
--            and when not `with_storage`
-- NULL before = no row yet. is_known = the clinic exists; usage of one that does not has no place in
-- api_usage. Read it with usage_month (month, bucket) locked FOR UPDATE by an earlier statement.
-- The body is text, so that it does not hold up the team's own ALTER TABLE.
CREATE OR REPLACE FUNCTION metering.usage_change(
    for_month date, for_bucket smallint, with_storage boolean)
    RETURNS TABLE (
        clinic_id uuid, calls_before bigint, calls_after bigint, storage_before bigint,
        storage_after bigint, is_known boolean)
    LANGUAGE sql STABLE
AS $$
    WITH part AS (
        SELECT c.clinic_id, c.used - c.credited AS units FROM metering.usage_checkpoint c
        WHERE c.month = for_month AND c.bucket = for_bucket
        UNION ALL
        SELECT a.clinic_id, a.units FROM metering.usage_adjustment a
        WHERE a.month = for_month AND a.bucket = for_bucket
    ), counted AS (
        SELECT p.clinic_id, sum(p.units)::bigint AS units FROM part p GROUP BY p.clinic_id
    ), present AS (
        SELECT k.clinic_id, u.api_calls, u.storage_used FROM metering.clinic_config k
        JOIN public.api_usage u ON u.clinic_id = k.clinic_id AND u.month = for_month
        WHERE k.bucket = for_bucket
    ), stored AS (
        SELECT k.clinic_id, latest.bytes FROM metering.clinic_config k
        CROSS JOIN LATERAL (
            SELECT s.bytes FROM metering.storage_month s
            WHERE s.clinic_id = k.clinic_id AND s.month <= for_month
            ORDER BY s.month DESC LIMIT 1
        ) AS latest
        WHERE with_storage AND k.bucket = for_bucket
    ), merged AS (
        SELECT clinic_id, present.api_calls AS calls_before,
            coalesce(counted.units, present.api_calls, 0) AS calls_after,
            present.storage_used AS storage_before,
            coalesce(stored.bytes, present.storage_used, 0) AS storage_after
        FROM counted FULL JOIN present USING (clinic_id)
        FULL JOIN (SELECT * FROM stored) AS stored USING (clinic_id)
        WHERE counted.clinic_id IS NOT NULL OR present.clinic_id IS NOT NULL OR stored.bytes > 0
    )
    SELECT m.clinic_id, m.calls_before, m.calls_after, m.storage_before, m.storage_after,
        EXISTS (SELECT FROM public.clinics c WHERE c.clinic_id = m.clinic_id)
    FROM merged m
$$;
