-- Records what a clinic holds in the running month. The clock is read under the counter's lock, so
-- rows of one clinic follow each other as its changes do; the start of a transaction would let a
-- slow one write last month's row after this month's.
CREATE OR REPLACE FUNCTION metering.note_storage() RETURNS trigger
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
REVOKE ALL ON FUNCTION metering.note_storage FROM PUBLIC;
