-- Makes the demo's two logins and gives them their roles. A psql script for a superuser.
--   :worker_password, :admin_password  text, new for each run
SELECT 'CREATE ROLE demo_worker LOGIN'
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'demo_worker') \gexec
SELECT 'CREATE ROLE demo_admin LOGIN'
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'demo_admin') \gexec
ALTER ROLE demo_worker PASSWORD :'worker_password';
ALTER ROLE demo_admin PASSWORD :'admin_password';
GRANT metering_worker TO demo_worker;
GRANT billing_admin TO demo_admin;
