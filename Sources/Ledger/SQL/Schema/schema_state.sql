-- Whether these exist: the record of migrations, schema metering, one of the application's tables.
-- The record is looked up in the catalog: to_regclass fails for logins that may not use the schema.
SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'metering' AND c.relname = 'schema_migration') AS has_record,
    to_regnamespace('metering') IS NOT NULL AS has_schema,
    (SELECT min(name) FROM unnest(ARRAY[
        'clinics', 'users', 'patients', 'visits', 'clinic_staff', 'subscription_plans',
        'clinic_subscriptions', 'api_usage', 'file_storage', 'audit_logs']) AS name
     WHERE to_regclass('public.' || name) IS NOT NULL) AS existing_table
