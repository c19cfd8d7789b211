-- Counts the rows of some clinics again and sets their counters right; answers what was wrong.
--   $1 clinics uuid[]
-- Locks their counters until commit: inserts of these clinics wait. Uses the clinic indexes of users,
-- patients and the key of clinic_staff; reads file_storage once for each clinic.
SELECT clinic, counter, kept, counted FROM metering.recount($1::uuid[])
