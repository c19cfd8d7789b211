-- Counts the rows of some clinics again and corrects their counters; returns what was wrong.
--   $1 clinics uuid[]
-- Locks their counters until commit: inserts of these clinics wait. Gives up with 55P03 when it
-- waits ten seconds for one. Uses the clinic indexes of users, patients and file_storage and the
-- key of clinic_staff.
SELECT clinic, counter, kept, counted FROM metering.recount($1::uuid[])
