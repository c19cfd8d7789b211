-- outside a transaction
-- The patients of one clinic. Built without stopping writers, which no transaction block allows;
-- safe to repeat: what an interrupted build left behind is dropped first.
DO $$
BEGIN
    IF EXISTS (
        SELECT FROM pg_index
        WHERE indexrelid = to_regclass('public.idx_patients_clinic') AND NOT indisvalid
    ) THEN
        DROP INDEX public.idx_patients_clinic;
    END IF;
END
$$;
-- next statement
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_patients_clinic ON public.patients (clinic_id);
