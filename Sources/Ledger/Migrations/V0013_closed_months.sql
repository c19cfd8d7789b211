-- api_usage of a closed month is frozen: invoices were written from it.
-- FOR SHARE makes a writer wait for whoever is closing the month at this moment.
CREATE FUNCTION metering.refuse_closed_month() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    touched public.api_usage[] := CASE TG_OP
        WHEN 'INSERT' THEN ARRAY[NEW] WHEN 'DELETE' THEN ARRAY[OLD] ELSE ARRAY[OLD, NEW] END;
    frozen date;
BEGIN
    SELECT m.month INTO frozen FROM unnest(touched) AS t
    JOIN metering.usage_month m ON m.month = t.month AND m.bucket = metering.bucket(t.clinic_id)
    WHERE m.state = 'closed' LIMIT 1 FOR SHARE OF m;
    IF frozen IS NOT NULL THEN
        RAISE EXCEPTION 'month % is closed', to_char(frozen, 'YYYY-MM')
            USING ERRCODE = 'BQ010', TABLE = 'api_usage', SCHEMA = 'public',
            HINT = 'Later usage is billed in the oldest open month.';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END
$$;
CREATE TRIGGER refuse_closed_month BEFORE INSERT OR UPDATE OR DELETE ON public.api_usage
    FOR EACH ROW EXECUTE FUNCTION metering.refuse_closed_month();
