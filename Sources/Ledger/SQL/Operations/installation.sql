-- How metering was installed in this database, since when, and whether api_usage.api_calls still is
-- INT.
-- Reads one row and the catalog; locks nothing.
SELECT i.kind, i.metering_since, EXISTS (
        SELECT FROM pg_attribute a WHERE a.attrelid = to_regclass('public.api_usage')
          AND a.attname = 'api_calls' AND a.atttypid = 'int4'::regtype) AS counts_in_int
FROM metering.installation i
