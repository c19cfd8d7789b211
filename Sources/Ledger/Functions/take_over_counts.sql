-- Counts what every clinic has. No transaction may write between this count and the triggers, so
-- the four tables are locked against writing while they are read once.
CREATE OR REPLACE FUNCTION metering.take_over_counts(is_first boolean, missed text[])
    RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM metering.require_all_rows(
        'clinics', 'users', 'clinic_staff', 'patients', 'file_storage');
    LOCK TABLE public.users, public.clinic_staff, public.patients, public.file_storage
        IN SHARE ROW EXCLUSIVE MODE;
    PERFORM metering.count_again(ARRAY(
        SELECT clinic_id FROM public.clinics UNION SELECT clinic_id FROM metering.clinic_counter));
    RETURN CASE WHEN NOT is_first
            AND missed && ARRAY['metering_count_insert', 'metering_count_update']
            AND (SELECT enforced FROM metering.limit_mode)
        THEN 'limits were not enforced meanwhile: see billing limits status' END;
END
$$;
REVOKE ALL ON FUNCTION metering.take_over_counts FROM PUBLIC;
