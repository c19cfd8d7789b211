-- The roles of metering, whether each exists, and logins that have its rights, five at most;
-- superusers, who have every right, are left out. Reads the catalog only; locks nothing.
SELECT n.name, g.oid IS NOT NULL AS is_there, coalesce(ARRAY(
        SELECT l.rolname::text FROM pg_roles l
        WHERE l.rolcanlogin AND NOT l.rolsuper AND pg_has_role(l.oid, g.oid, 'USAGE')
        ORDER BY l.rolname LIMIT 5), '{}') AS logins
FROM unnest(ARRAY['metering_owner', 'metering_worker', 'billing_admin', 'billing_viewer',
    'clinic_app'])
    WITH ORDINALITY AS n (name, place)
LEFT JOIN pg_roles g ON g.rolname = n.name
ORDER BY n.place
