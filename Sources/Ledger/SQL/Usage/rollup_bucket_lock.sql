-- Stops the writers of one bucket until commit and returns its state: open, closed or imported.
--   $1 month date      $2 bucket smallint
-- Alone in its statement, so that the next one sums with a snapshot taken after the lock.
-- Uses usage_month_pkey; locks the row FOR UPDATE.
-- Until commit rows are looked up by index, as rollup_by_index says; together they are one round
-- trip.
SELECT state, set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true)
FROM metering.usage_month WHERE month = $1::date AND bucket = $2::smallint FOR UPDATE
