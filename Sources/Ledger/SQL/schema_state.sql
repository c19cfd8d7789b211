-- What is there: the record of migrations, schema metering, and one of the application's tables.
SELECT to_regclass('metering.schema_migration') IS NOT NULL AS has_record,
    to_regnamespace('metering') IS NOT NULL AS has_schema,
    (SELECT min(name) FROM unnest(ARRAY[
        'clinics', 'users', 'patients', 'visits', 'clinic_staff', 'subscription_plans',
        'clinic_subscriptions', 'api_usage', 'file_storage', 'audit_logs']) AS name
     WHERE to_regclass('public.' || name) IS NOT NULL) AS existing_table
