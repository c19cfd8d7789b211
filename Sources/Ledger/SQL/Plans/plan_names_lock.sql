-- Serializes transactions that create plans until COMMIT, because names are not unique in the
-- application's table. The number belongs to this file. Locks nothing else.
SELECT pg_advisory_xact_lock(7302180265114837)
