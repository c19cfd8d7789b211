-- The functions that our triggers call, with the names of these triggers, by group. Reads the catalog
-- only.
SELECT DISTINCT CASE WHEN n.nspname = 'metering' THEN 'metering'
        WHEN root.relname = 'api_usage' THEN 'usage'
        WHEN root.relname IN ('users', 'clinic_staff', 'patients', 'file_storage') THEN 'counts'
        ELSE 'terms' END AS trigger_group, t.tgname::text AS name, p.proname::text AS handler
FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid AND p.pronamespace = 'metering'::regnamespace
JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class root ON root.oid = coalesce(pg_partition_root(c.oid), c.oid)
WHERE NOT t.tgisinternal ORDER BY 1, 2, 3
