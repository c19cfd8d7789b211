-- Gives back what migration_lock took.
SELECT pg_advisory_unlock(hashtextextended('metering.migrate', 0)) AS released
