-- answers statements for the connecting role
-- Widens api_calls to bigint, and has the months rolled up again whose totals did not fit. Writes the
-- table anew, locked against reading and writing while it does. Answers nothing once it is bigint.
-- The buckets first, as a roll-up locks them; one that has begun would have the table's new copy thrown away.
SELECT 'UPDATE metering.usage_month SET due = true WHERE state = ''open'' AND month IN ('
    'SELECT to_date(subject, ''YYYY-MM'') FROM metering.attention'
    ' WHERE kind = ''int_overflow'' AND resolved_at IS NULL);'
    ' ALTER TABLE public.api_usage ALTER COLUMN api_calls TYPE bigint' AS statement, false AS runs_alone
FROM pg_attribute WHERE attrelid = to_regclass('public.api_usage') AND attname = 'api_calls'
  AND atttypid = 'int4'::regtype
