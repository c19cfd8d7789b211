-- Whether the roles exist, and whether this role could create them.
SELECT (SELECT count(*) FROM pg_roles WHERE rolname IN
        ('metering_owner', 'metering_worker', 'billing_admin', 'billing_viewer', 'clinic_app')) = 5 AS has_roles,
    rolcreaterole OR rolsuper AS creates_roles,
    has_database_privilege(current_database(), 'CREATE') AS creates_schemas,
    EXISTS (SELECT FROM pg_roles r WHERE r.rolname = 'metering_owner'
        AND pg_has_role(current_user, r.oid, 'USAGE')) AS is_owner
FROM pg_roles WHERE rolname = current_user
