-- The statements that drop what has the name of a function or view, when its file cannot replace it;
-- NULL when nothing has.
--   $1 name text
SELECT string_agg(found.statement, '; ' ORDER BY found.statement) AS remedy FROM (
    SELECT format('DROP %s %s', CASE p.prokind WHEN 'p' THEN 'PROCEDURE' WHEN 'a' THEN 'AGGREGATE'
        ELSE 'FUNCTION' END, p.oid::regprocedure) AS statement
    FROM pg_proc p WHERE p.pronamespace = to_regnamespace('metering') AND p.proname = $1::text
    UNION ALL
    SELECT format('DROP %s %s', CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW'
        WHEN 'S' THEN 'SEQUENCE' WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END, c.oid::regclass)
    FROM pg_class c WHERE c.relnamespace = to_regnamespace('metering') AND c.relname = $1::text
      AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
) AS found
