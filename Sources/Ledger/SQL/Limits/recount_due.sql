-- Whether no recount of all rows started in the last 24 hours. Uses job_run_latest; locks nothing.
SELECT coalesce(max(started_at) < now() - interval '24 hours', true) AS is_due
FROM metering.job_run WHERE job = 'recount' AND ok
