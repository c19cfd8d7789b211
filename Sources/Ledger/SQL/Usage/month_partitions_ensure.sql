-- Creates the month tables from last month to some months ahead; returns how many are new.
--   $1 months ahead, int, 0 to 36
-- Attaches partitions: waits up to 3 s for its locks, never stops writers of other months.
SELECT metering.ensure_month_partitions($1::int) AS made
