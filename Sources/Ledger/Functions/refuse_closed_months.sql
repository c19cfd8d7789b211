-- Refuses changes of api_usage in a closed month, because invoices were written from it. A
-- statement trigger: one for each row cost more than the write. FOR SHARE makes a writer wait for a
-- transaction that is closing the month at this moment.
CREATE OR REPLACE FUNCTION metering.refuse_closed_months() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    frozen date;
BEGIN
    -- Only a trigger for one event may name its rows, so three triggers share this function.
    IF TG_OP <> 'DELETE' THEN
        SELECT m.month INTO frozen FROM metering.usage_month m
        WHERE m.state = 'closed' AND EXISTS (
            SELECT FROM new_rows r WHERE r.month = m.month
                AND metering.bucket(r.clinic_id) = m.bucket)
        LIMIT 1 FOR SHARE OF m;
    END IF;
    IF frozen IS NULL AND TG_OP <> 'INSERT' THEN
        SELECT m.month INTO frozen FROM metering.usage_month m
        WHERE m.state = 'closed' AND EXISTS (
            SELECT FROM old_rows r WHERE r.month = m.month
                AND metering.bucket(r.clinic_id) = m.bucket)
        LIMIT 1 FOR SHARE OF m;
    END IF;
    IF frozen IS NOT NULL THEN
        RAISE EXCEPTION 'month % is closed', to_char(frozen, 'YYYY-MM')
            USING ERRCODE = 'BQ010', TABLE = 'api_usage', SCHEMA = 'public',
            HINT = 'Later usage is billed in the oldest open month.';
    END IF;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION metering.refuse_closed_months FROM PUBLIC;
