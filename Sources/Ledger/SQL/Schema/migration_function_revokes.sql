-- The statements that take all rights on functions and views from everybody but their owner, so that
-- afterwards they have the rights that their files give, and no older ones.
--   $1 names text[]
SELECT format('REVOKE ALL ON FUNCTION %s FROM PUBLIC, metering_worker, billing_admin, billing_viewer, clinic_app'
    ' CASCADE',
    p.oid::regprocedure) AS statement
FROM pg_proc p
WHERE p.pronamespace = to_regnamespace('metering') AND p.proname = ANY ($1::text[])
UNION ALL
SELECT format('REVOKE ALL ON TABLE %s FROM PUBLIC, metering_worker, billing_admin, billing_viewer, clinic_app'
    ' CASCADE',
    c.oid::regclass)
FROM pg_class c
WHERE c.relnamespace = to_regnamespace('metering') AND c.relkind = 'v'
  AND c.relname = ANY ($1::text[])
