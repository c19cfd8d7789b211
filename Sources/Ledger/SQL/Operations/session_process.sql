-- The server process that runs this statement. A process that changes, or differs from that of the
-- session's start, reveals a pooler.
SELECT pg_backend_pid() AS pid
