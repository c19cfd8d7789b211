-- What a clinic may do: plans as they were and are, what one clinic has beside its plan, and the
-- version of it all that Redis holds.
--
-- Every change of a plan is a version. A version that cannot be read is never used; the last good
-- one stays in force (docs/decisions/0011-plan-versions.md). The team's UPDATE of
-- subscription_plans is never refused for what it writes.

-- One counter per clinic that rises, under this row's lock, in every transaction that changes what
-- the clinic may do: its subscription, its plan, an override, the clinic itself. A row outlives its
-- clinic.
--   changed_xid  the transaction that raised it last. Commits happen in another order than numbers
--                are given, but no transaction below pg_snapshot_xmin is still open: reading from
--                there on misses none.
CREATE TABLE metering.clinic_terms (
    clinic_id uuid PRIMARY KEY,
    bucket smallint NOT NULL GENERATED ALWAYS AS (metering.bucket(clinic_id)) STORED,
    config_version bigint NOT NULL DEFAULT 1
        CHECK (config_version BETWEEN 1 AND 9007199254740991),
    changed_xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX clinic_terms_changed ON metering.clinic_terms (changed_xid, clinic_id);
CREATE INDEX clinic_terms_bucket ON metering.clinic_terms (bucket, clinic_id);

-- A count in `features`: −1 = unlimited, also where it is absent; NULL = not a whole number.
CREATE FUNCTION metering.plan_amount(features jsonb, VARIADIC path text[]) RETURNS bigint
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE
        WHEN coalesce(jsonb_typeof(features #> path), 'null') = 'null' THEN -1
        WHEN jsonb_typeof(features #> path) = 'number' AND features #>> path ~ '^(-1|[0-9]{1,16})$'
            AND (features #>> path)::bigint <= 9007199254740991
            THEN (features #>> path)::bigint
        END
$$;
REVOKE ALL ON FUNCTION metering.plan_amount(jsonb, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION metering.plan_amount(jsonb, text[])
    TO metering_worker, billing_admin, billing_viewer;

-- One row for each state that a plan was in, numbered from 1. Rows are kept: reports of past months
-- and the quota of the running one come from them.
--   features        the key `metering` of the plan's features; NULL when it has none
--   quota           units a month, −1 = unlimited
--   effective_from  when it was written, under the plan's lock; 1970 for what was found at the
--                   start
--   refused_by      number of the plan language of the program that refused it; NULL: refused here
CREATE TABLE metering.plan_version (
    plan_id int NOT NULL,
    version int NOT NULL CHECK (version >= 1),
    features jsonb,
    max_users bigint NOT NULL,
    max_patients bigint NOT NULL,
    quota bigint GENERATED ALWAYS AS (metering.plan_amount(features, 'quota', 'api_calls')) STORED,
    effective_from timestamptz NOT NULL DEFAULT clock_timestamp(),
    changed_by name NOT NULL DEFAULT session_user,
    valid boolean NOT NULL,
    problem text CHECK (char_length(problem) BETWEEN 1 AND 500),
    refused_by int,
    PRIMARY KEY (plan_id, version),
    CHECK (valid = (problem IS NULL))
);

-- Since when a clinic has its plan. Written under the lock of the plan's row, as versions are.
CREATE TABLE metering.clinic_plan (
    clinic_id uuid PRIMARY KEY,
    plan_id int,
    since timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- What one clinic has beside its plan, until a day, for a reason.
--
-- An override replaces one number of the plan: the quota, a limit of the database, or one rate
-- limit; or it puts a limit or the quota in shadow. Every reader compares it with the clock, so it
-- ends by itself; a worker then raises the clinic's config version, which brings the plan's number
-- back to Redis.
--   what       quota, users, patients, storage, limit:NAME, limit:NAME.sustained, shadow:quota or
--              shadow:limit:NAME
--   value      units, people or bytes, −1 = unlimited; of shadows 1 = on, 0 = off; NULL for limits
--   rate, per, burst   of limits: `rate` units per `per` µs, at most `burst` at once
--   ended_at   when it was ended, replaced or found to be over; ended_by NULL = it was over
CREATE TABLE metering.clinic_override (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    clinic_id uuid NOT NULL,
    what text NOT NULL CHECK (
        what IN ('quota', 'users', 'patients', 'storage', 'shadow:quota')
        OR what ~ '^limit:[a-z0-9_-]{1,40}(\.sustained)?$'
        OR what ~ '^shadow:limit:[a-z0-9_-]{1,40}$'),
    value bigint CHECK (value BETWEEN -1 AND 9007199254740991),
    rate bigint CHECK (rate BETWEEN 1 AND 1000000000),
    per bigint CHECK (per BETWEEN 1000 AND 140737488355327),
    burst bigint CHECK (burst BETWEEN 1 AND 140737488355327),
    until timestamptz NOT NULL,
    reason text NOT NULL CHECK (char_length(reason) BETWEEN 1 AND 500),
    created_by name NOT NULL DEFAULT session_user,
    created_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    ended_by name,
    end_reason text CHECK (char_length(end_reason) BETWEEN 1 AND 500),
    CHECK (until > created_at),
    CHECK (CASE WHEN what LIKE 'limit:%' THEN value IS NULL AND num_nonnulls(rate, per, burst) = 3
        ELSE value IS NOT NULL AND num_nonnulls(rate, per, burst) = 0 END),
    CHECK (((per + rate - 1) / rate)::numeric * burst <= 140737488355327),
    CONSTRAINT clinic_override_shadow_check CHECK (what NOT LIKE 'shadow:%' OR value IN (0, 1))
);
-- One of a kind at a time.
CREATE UNIQUE INDEX clinic_override_open ON metering.clinic_override (clinic_id, what)
    WHERE ended_at IS NULL;
CREATE INDEX clinic_override_due ON metering.clinic_override (until) WHERE ended_at IS NULL;

ALTER TABLE metering.clinic_terms ENABLE ROW LEVEL SECURITY;
CREATE POLICY worker_all ON metering.clinic_terms TO metering_worker USING (true) WITH CHECK (true);
CREATE POLICY admin_reads ON metering.clinic_terms FOR SELECT
    TO billing_admin, billing_viewer USING (true);
GRANT SELECT, INSERT, UPDATE ON metering.clinic_terms TO metering_worker;
GRANT SELECT ON metering.clinic_terms TO billing_admin, billing_viewer;

DO $$
DECLARE
    kept regclass;
BEGIN
    FOREACH kept IN ARRAY ARRAY['metering.plan_version', 'metering.clinic_plan',
        'metering.clinic_override']::regclass[]
    LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', kept);
        EXECUTE format('CREATE POLICY readers ON %s FOR SELECT'
            ' TO metering_worker, billing_admin, billing_viewer USING (true)', kept);
        EXECUTE format('GRANT SELECT ON %s'
            ' TO metering_worker, billing_admin, billing_viewer', kept);
    END LOOP;
END
$$;
CREATE POLICY admin_adds ON metering.clinic_override FOR INSERT TO billing_admin WITH CHECK (true);
-- An override that has ended stays as it is.
CREATE POLICY admin_ends ON metering.clinic_override FOR UPDATE TO billing_admin
    USING (ended_at IS NULL) WITH CHECK (ended_at IS NOT NULL);
GRANT INSERT (clinic_id, what, value, rate, per, burst, until, reason),
    UPDATE (ended_at, ended_by, end_reason) ON metering.clinic_override TO billing_admin;
