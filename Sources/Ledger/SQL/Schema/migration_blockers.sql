-- The sessions that a session waits for, oldest first: ids, logins and programs. Empty when it does
-- not wait.
--   $1 int, the id of the session's process
SELECT string_agg(concat_ws(' ', 'process', a.pid, 'of', a.usename,
        '(' || nullif(left(a.application_name, 40), '') || ')'), ', '
            ORDER BY a.backend_start, a.pid)
    AS blockers
FROM pg_stat_activity a WHERE a.pid = ANY (pg_blocking_pids($1::int))
