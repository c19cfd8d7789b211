-- Releases the lock of migration_lock.
SELECT pg_advisory_unlock(hashtextextended('metering.migrate', 0)) AS released
