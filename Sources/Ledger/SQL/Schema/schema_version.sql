-- The number of the last applied migration, 0 when there is none, and the name of the first where it is
-- another file than this program's.
--   $1 text, of the first file
SELECT coalesce(max(version), 0) AS version,
    min(name) FILTER (WHERE version = 1 AND checksum <> sha256(convert_to($1::text, 'UTF8'))) AS other
FROM metering.schema_migration
