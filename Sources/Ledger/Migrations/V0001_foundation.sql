-- as the connecting role
-- The five roles, the schema `metering`, and the records of what was applied to it.
--
-- Roles belong to the whole server and may exist already; then none is created and the connecting
-- role needs no CREATEROLE. None of the five logs in, and none may bypass row security.
--   metering_owner   owns everything: migrations, dumps, bulk import
--   metering_worker  the worker: counts and roll-ups
--   billing_admin    administrators: reports, plans, subscriptions, corrections
--   billing_viewer   reports: reads what billing_admin reads, and changes nothing
--   clinic_app       the team's application: one clinic at a time
DO $$
DECLARE
    wanted text;
    unsafe text;
BEGIN
    FOREACH wanted IN ARRAY
        ARRAY['metering_owner', 'metering_worker', 'billing_admin', 'billing_viewer',
            'clinic_app']
    LOOP
        BEGIN
            IF to_regrole(wanted) IS NULL THEN
                EXECUTE format(
                    'CREATE ROLE %I NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE',
                        wanted);
            END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;  -- Another database of this server is being migrated at the same time.
        END;
    END LOOP;
    SELECT string_agg(rolname, ', ' ORDER BY rolname) INTO unsafe FROM pg_roles
    WHERE rolname IN ('metering_owner', 'metering_worker', 'billing_admin', 'billing_viewer',
        'clinic_app')
      AND (rolsuper OR rolbypassrls);
    IF unsafe IS NOT NULL THEN
        RAISE EXCEPTION 'these roles may bypass row security: %', unsafe
            USING ERRCODE = '42501', HINT = 'ALTER ROLE ... NOSUPERUSER NOBYPASSRLS';
    END IF;
    IF NOT pg_has_role(current_user, 'metering_owner', 'USAGE') THEN
        EXECUTE format('GRANT metering_owner TO %I', current_user);
    END IF;
END
$$;

GRANT USAGE, CREATE ON SCHEMA public TO metering_owner;
GRANT USAGE ON SCHEMA public
    TO metering_worker, billing_admin, billing_viewer, clinic_app;

CREATE SCHEMA metering AUTHORIZATION metering_owner;

SET LOCAL ROLE metering_owner;

-- clinic_app needs the schema's names for two functions: reserve_seat and release_seat.
GRANT USAGE ON SCHEMA metering
    TO metering_worker, billing_admin, billing_viewer, clinic_app;

-- Row security of schema metering: a role without a policy sees nothing even if it is granted a
-- table.
-- clinic_app has neither. It is not forced: the owner would need a policy that shows it every row,
-- which protects nothing, and its plain pg_dump would stop.

-- One row per applied file of Migrations. The checksum is SHA-256 of its text.
CREATE TABLE metering.schema_migration (
    version int PRIMARY KEY CHECK (version > 0),
    name text NOT NULL,
    checksum bytea NOT NULL CHECK (octet_length(checksum) = 32),
    applied_at timestamptz NOT NULL DEFAULT now(),
    applied_by name NOT NULL DEFAULT session_user
);
ALTER TABLE metering.schema_migration ENABLE ROW LEVEL SECURITY;
CREATE POLICY readers ON metering.schema_migration FOR SELECT
    TO metering_worker, billing_admin, billing_viewer USING (true);
GRANT SELECT ON metering.schema_migration TO metering_worker, billing_admin, billing_viewer;

-- One row per file of Functions, as it was applied last.
--   checksum  SHA-256 of the file
--   form      SHA-256 of what the catalog held afterwards (SQL/Schema/migration_function_forms.sql)
CREATE TABLE metering.schema_function (
    name text PRIMARY KEY,
    checksum bytea NOT NULL CHECK (octet_length(checksum) = 32),
    form bytea NOT NULL CHECK (octet_length(form) = 32),
    applied_at timestamptz NOT NULL DEFAULT now(),
    applied_by name NOT NULL DEFAULT session_user
);
ALTER TABLE metering.schema_function ENABLE ROW LEVEL SECURITY;
CREATE POLICY readers ON metering.schema_function FOR SELECT
    TO metering_worker, billing_admin, billing_viewer USING (true);
GRANT SELECT ON metering.schema_function TO metering_worker, billing_admin, billing_viewer;

-- One row per group of triggers whose tables were taken over (Functions/take_over.sql).
--   last_at  when its triggers were last created or enabled, and what they had missed was redone
CREATE TABLE metering.schema_trigger_group (
    name text PRIMARY KEY,
    first_at timestamptz NOT NULL DEFAULT now(),
    last_at timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE metering.schema_trigger_group ENABLE ROW LEVEL SECURITY;
CREATE POLICY readers ON metering.schema_trigger_group FOR SELECT
    TO metering_worker, billing_admin, billing_viewer USING (true);
GRANT SELECT ON metering.schema_trigger_group TO metering_worker, billing_admin, billing_viewer;

-- How this database came to be metered, and since when. Usage from before belongs to the
-- application:
-- it is taken over, never recomputed.
--   new       `migrate` made the tables; metering_since is when it began
--   attached  the tables existed; metering_since is when their usage was taken over
CREATE TABLE metering.installation (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    kind text NOT NULL CHECK (kind IN ('new', 'attached')),
    metering_since timestamptz NOT NULL
);
ALTER TABLE metering.installation ENABLE ROW LEVEL SECURITY;
CREATE POLICY readers ON metering.installation FOR SELECT
    TO metering_worker, billing_admin, billing_viewer USING (true);
GRANT SELECT ON metering.installation TO metering_worker, billing_admin, billing_viewer;
