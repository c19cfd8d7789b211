-- Records a function or view as it was applied.
--   $1 name text      $2 checksum bytea (SHA-256 of the file)
--   $3 form bytea (of migration_function_forms, afterwards)
INSERT INTO metering.schema_function (name, checksum, form)
VALUES ($1::text, $2::bytea, $3::bytea)
ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, form = excluded.form,
    applied_at = now(), applied_by = session_user
