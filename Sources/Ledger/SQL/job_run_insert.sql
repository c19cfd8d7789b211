-- Records that a job ran.
--   $1 job text      $2 started_at timestamptz (UTC)      $3 rows_written bigint      $4 ok boolean
INSERT INTO metering.job_run (job, started_at, rows_written, ok)
VALUES ($1::text, $2::timestamptz, $3::bigint, $4::boolean)
