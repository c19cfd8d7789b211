-- Takes the lock under which one program at a time migrates; false when another has it.
-- Polled, because a session that waits inside a statement keeps a snapshot, and CREATE INDEX
-- CONCURRENTLY of the holder would wait for it in turn. Held by the session until migration_unlock.
SELECT pg_try_advisory_lock(hashtextextended('metering.migrate', 0)) AS taken
