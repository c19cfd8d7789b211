-- What an interrupted migrate left to do at this program's version: the first function or view that
-- is not recorded with this program's text, or is not there; else a group of triggers that was never
-- taken over. NULL when nothing is left. Reads the record and the catalog; locks nothing.
--   $1 names text[]     $2 texts text[] of the files of functions, in the order of names
--   $3 groups text[]
SELECT coalesce((
    SELECT min(file.name)
    FROM unnest($1::text[], $2::text[]) AS file (name, body)
    LEFT JOIN metering.schema_function f ON f.name = file.name
    WHERE f.checksum IS DISTINCT FROM sha256(convert_to(file.body, 'UTF8')) OR NOT EXISTS (
        SELECT FROM pg_proc p
        WHERE p.pronamespace = 'metering'::regnamespace AND p.proname = file.name
        UNION ALL SELECT FROM pg_class c WHERE c.relnamespace = 'metering'::regnamespace
            AND c.relname = file.name AND c.relkind = 'v')
), (
    SELECT min('triggers of ' || wanted) FROM unnest($3::text[]) AS wanted
    WHERE NOT EXISTS (SELECT FROM metering.schema_trigger_group g WHERE g.name = wanted)
)) AS unfinished
