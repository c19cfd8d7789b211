-- Of each job: seconds since the start of its latest good run, NULL when none was good, and whether
-- the latest run was; NULL when it never ran.
--   $1 jobs text[]
-- Uses job_run_latest. Locks nothing.
SELECT j.name, (
        SELECT extract(epoch FROM now() - max(r.started_at))::bigint FROM metering.job_run r
        WHERE r.job = j.name AND r.ok) AS age, (
        SELECT r.ok FROM metering.job_run r WHERE r.job = j.name
        ORDER BY r.started_at DESC LIMIT 1) AS is_good
FROM unnest($1::text[]) WITH ORDINALITY AS j (name, place) ORDER BY j.place
