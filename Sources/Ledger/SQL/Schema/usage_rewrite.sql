-- returns statements for the connecting role
-- Widens api_calls to bigint, and marks months due whose totals did not fit. Rewrites the table,
-- which is locked against reads and writes meanwhile. Returns nothing once it is bigint.
-- Locks the buckets first, in the order of a roll-up: waiting for a running roll-up later would
-- discard the table's new copy.
SELECT 'UPDATE metering.usage_month SET due = true WHERE state = ''open'' AND month IN ('
    'SELECT to_date(subject, ''YYYY-MM'') FROM metering.attention'
    ' WHERE kind = ''int_overflow'' AND resolved_at IS NULL);'
    ' ALTER TABLE public.api_usage ALTER COLUMN api_calls TYPE bigint' AS statement,
        false AS runs_alone
FROM pg_attribute WHERE attrelid = to_regclass('public.api_usage') AND attname = 'api_calls'
  AND atttypid = 'int4'::regtype
