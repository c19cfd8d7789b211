-- The process of the server that runs this statement. One that changes, or is not the one that the session was
-- promised, betrays a pooler.
SELECT pg_backend_pid() AS pid
