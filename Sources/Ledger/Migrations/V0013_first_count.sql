-- with the triggers of users, clinic_staff, patients, file_storage
-- Counts what every clinic has. No transaction may write between this count and the triggers, so
-- the four tables are locked against writing while they are read once.
LOCK TABLE public.users, public.clinic_staff, public.patients, public.file_storage
    IN SHARE ROW EXCLUSIVE MODE;
SELECT metering.count_again(ARRAY(SELECT clinic_id FROM public.clinics));
