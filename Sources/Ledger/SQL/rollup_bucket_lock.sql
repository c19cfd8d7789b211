-- Stops the writers of one bucket until commit and tells its state: open, closing, closed
-- or imported.
--   $1 month date      $2 bucket smallint
-- Alone in its statement, so that the next one sums with a snapshot taken after the lock.
-- Uses usage_month_pkey; locks the row FOR UPDATE.
-- Until commit rows are looked up by index, also in a table that PostgreSQL knows to be empty: reading such a table whole
-- for each row costs nothing when it is planned, and a minute once another connection fills the table
-- meanwhile. Its price then looks so high that compiling the plan would be tried; that is switched off.
SELECT state, set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true)
FROM metering.usage_month WHERE month = $1::date AND bucket = $2::smallint FOR UPDATE
