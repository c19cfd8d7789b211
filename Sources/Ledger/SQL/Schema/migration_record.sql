-- Records an applied migration.
--   $1 version int      $2 name text      $3 checksum bytea (SHA-256 of the file)
INSERT INTO metering.schema_migration (version, name, checksum)
VALUES ($1::int, $2::text, $3::bytea)
