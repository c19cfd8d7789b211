-- The time up to which api_usage of a month holds everything counted, and the time now.
--   $1 month date
-- Two things bound it: the oldest bucket that waits for its roll-up, and the start of the latest
-- run that wrote all of Redis to the ledger: a sweep, or a manual roll-up. The last checkpoint of a
-- worker proves this only when no other worker was alive then, because it cannot know that worker's
-- counts.
-- Before the first such run, the latest roll-up of a bucket takes its place. NULL when the month
-- was never counted or rolled up.
-- Uses usage_month_pkey and job_run_latest (1,000 runs a job); a heartbeat a worker. Locks nothing.
SELECT CASE WHEN count(*) > 0 THEN least(
        min(rolled_up_at) FILTER (WHERE due),
        coalesce(
            (SELECT max(started_at) FROM metering.job_run
             WHERE ok AND (job IN ('sweep', 'rollup') OR job = 'checkpoint' AND finished_at <
                coalesce((SELECT min(w.started_at) FROM metering.worker_heartbeat w), 'infinity'))),
            max(rolled_up_at)),
        statement_timestamp()) END AS as_of,
    statement_timestamp() AS made_at
FROM metering.usage_month WHERE month = $1::date
