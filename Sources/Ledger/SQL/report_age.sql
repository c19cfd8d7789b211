-- Up to when everything that was counted is in api_usage of a month, and the time now.
--   $1 month date
-- Three things bound it: a bucket that waits for its roll-up, the latest roll-up of any bucket, and the latest
-- time at which somebody wrote to the ledger all that Redis had answered (a worker's heartbeat or its end, a
-- roll-up by hand). NULL when the month was never counted or rolled up.
-- Uses usage_month_pkey and job_run_latest; a heartbeat a worker. Locks nothing.
SELECT CASE WHEN count(*) > 0 THEN least(
        min(rolled_up_at) FILTER (WHERE due),
        greatest(
            max(rolled_up_at),
            (SELECT max(checkpointed_through) FROM metering.worker_heartbeat),
            (SELECT started_at FROM metering.job_run WHERE job IN ('rollup', 'checkpoint') AND ok
             ORDER BY started_at DESC LIMIT 1)),
        statement_timestamp()) END AS as_of,
    statement_timestamp() AS made_at
FROM metering.usage_month WHERE month = $1::date
