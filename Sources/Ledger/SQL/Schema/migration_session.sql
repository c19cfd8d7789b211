-- The id of this session's process.
SELECT pg_backend_pid() AS pid
