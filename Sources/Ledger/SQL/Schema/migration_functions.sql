-- The functions and views as they were applied last, without those that are no longer what was applied:
-- that were dropped, or whose body is not the text between the quotes in its file. A body in SQL that the
-- database parsed (BEGIN ATOMIC) and the query of a view have no such text.
--   $1 names text[]      $2 texts text[] (of the files, in the order of names)
SELECT f.name, f.checksum
FROM unnest($1::text[], $2::text[]) AS file (name, body)
JOIN metering.schema_function f ON f.name = file.name
WHERE EXISTS (SELECT FROM pg_proc p
    WHERE p.pronamespace = 'metering'::regnamespace AND p.proname = f.name
      AND position(p.prosrc IN file.body) > 0)
   OR EXISTS (SELECT FROM pg_class c
    WHERE c.relnamespace = 'metering'::regnamespace AND c.relname = f.name AND c.relkind = 'v')
