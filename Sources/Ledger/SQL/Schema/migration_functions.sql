-- The functions and views as they were applied last.
--   $1 names text[]
SELECT name, checksum, form FROM metering.schema_function WHERE name = ANY ($1::text[])
