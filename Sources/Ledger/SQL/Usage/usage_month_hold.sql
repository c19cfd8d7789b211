-- Stops the writers of one clinic's bucket of a month until commit.
--   $1 month date      $2 clinic uuid
-- Alone in its statement, so that the next one sums with a snapshot taken after the lock.
-- Uses usage_month_pkey; locks the row FOR UPDATE.
SELECT state FROM metering.usage_month WHERE month = $1::date AND bucket = metering.bucket($2::uuid)
    FOR UPDATE
