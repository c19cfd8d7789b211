-- How often the demo ran on this database, and how many calls it counted so far. Locks nothing.
SELECT (SELECT count(*) FROM metering.job_run WHERE job = 'demo') AS runs,
    (SELECT coalesce(sum(api_calls), 0)::bigint FROM api_usage) AS calls
