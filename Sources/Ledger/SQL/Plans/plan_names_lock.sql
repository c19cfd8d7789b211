-- Makes those who create plans follow each other until COMMIT: names are not unique in the application's
-- table. The number is this file's own. Locks nothing else.
SELECT pg_advisory_xact_lock(7302180265114837)
