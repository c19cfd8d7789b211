-- The statements that give functions and views to metering_owner, which cannot replace those of
-- another role. remedy is what the connecting role lacks for it, or NULL.
--   $1 names text[]
SELECT format('ALTER %s OWNER TO metering_owner', given.object) AS statement,
    CASE WHEN NOT pg_has_role(given.owner, 'USAGE')
        THEN format('this role may not change %s: GRANT %I TO %I', given.object, o.rolname,
            current_user) END AS remedy
FROM (
    SELECT 'FUNCTION ' || p.oid::regprocedure AS object, p.proowner AS owner FROM pg_proc p
    WHERE p.pronamespace = to_regnamespace('metering') AND p.proname = ANY ($1::text[])
    UNION ALL
    SELECT 'VIEW ' || c.oid::regclass, c.relowner FROM pg_class c
    WHERE c.relnamespace = to_regnamespace('metering') AND c.relkind = 'v'
      AND c.relname = ANY ($1::text[])
) AS given JOIN pg_roles o ON o.oid = given.owner
WHERE o.rolname <> 'metering_owner'
