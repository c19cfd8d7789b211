-- The number of the last applied migration, 0 when there is none.
SELECT coalesce(max(version), 0) AS version FROM metering.schema_migration
