-- Records a function or view as it was applied.
--   $1 name text      $2 checksum bytea (SHA-256 of the file)
INSERT INTO metering.schema_function (name, checksum) VALUES ($1::text, $2::bytea)
ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now(),
    applied_by = session_user
