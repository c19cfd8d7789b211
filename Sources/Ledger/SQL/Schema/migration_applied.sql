-- Every applied migration in order.
SELECT version, name, checksum FROM metering.schema_migration ORDER BY version
