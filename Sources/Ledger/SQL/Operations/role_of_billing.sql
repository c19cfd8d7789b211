-- Whether this login has the rights of the two roles of reports. Reads the catalog only.
SELECT EXISTS (SELECT FROM pg_roles r WHERE r.rolname = 'billing_admin'
        AND pg_has_role(session_user, r.oid, 'USAGE')) AS is_admin,
    EXISTS (SELECT FROM pg_roles r WHERE r.rolname = 'billing_viewer'
        AND pg_has_role(session_user, r.oid, 'USAGE')) AS is_viewer
