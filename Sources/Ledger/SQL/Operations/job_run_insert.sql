-- Records that a job ran, and removes its oldest runs.
--   $1 job text      $2 started_at timestamptz (UTC)      $3 rows_written bigint      $4 ok boolean
--   $5 bigint, how many runs of the job are kept: 2 or more, this one among them
-- The run with the latest start stays, also when one that started earlier ends later. Uses
-- job_run_latest and job_run_pkey; locks the rows that it removes.
WITH old AS (
    DELETE FROM metering.job_run WHERE id IN (
        SELECT id FROM metering.job_run WHERE job = $1::text
        ORDER BY started_at DESC OFFSET $5::bigint - 1)
)
INSERT INTO metering.job_run (job, started_at, rows_written, ok)
VALUES ($1::text, $2::timestamptz, $3::bigint, $4::boolean)
