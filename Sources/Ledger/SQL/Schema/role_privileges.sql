-- What the login of this connection could do beyond its job, also by SET ROLE.
-- owned names one relation that it owns; NULL when there is none.
SELECT session_user::text AS login,
    EXISTS (SELECT FROM pg_roles r
        WHERE r.rolsuper AND pg_has_role(session_user, r.oid, 'MEMBER')) AS is_superuser,
    EXISTS (SELECT FROM pg_roles r
        WHERE r.rolbypassrls AND pg_has_role(session_user, r.oid, 'MEMBER')) AS bypasses_rls,
    EXISTS (SELECT FROM pg_roles r
        WHERE r.rolcreaterole AND pg_has_role(session_user, r.oid, 'MEMBER')) AS creates_roles,
    EXISTS (SELECT FROM pg_roles r WHERE r.rolname = 'metering_owner'
        AND pg_has_role(session_user, r.oid, 'MEMBER')) AS is_owner,
    EXISTS (SELECT FROM pg_database d WHERE d.datname = current_database()
        AND pg_has_role(session_user, d.datdba, 'MEMBER')) AS owns_database,
    EXISTS (SELECT FROM pg_roles r WHERE r.rolname = 'metering_worker'
        AND pg_has_role(session_user, r.oid, 'USAGE')) AS is_worker,
    (SELECT min(c.oid::regclass::text) FROM pg_class c
     JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname IN ('public', 'metering') AND c.relkind IN ('r', 'p')
       AND pg_has_role(session_user, c.relowner, 'MEMBER')) AS owned
