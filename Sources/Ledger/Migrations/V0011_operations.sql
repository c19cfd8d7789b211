-- What the worker records about itself, about Redis and about its callers, and what an operator
-- should look at.

-- One row per stamp of a Redis node: the source of every bound of loss. A node gets a new stamp
-- when its counts may have been lost.
--   stamp  hash of master_replid
CREATE TABLE metering.redis_stamp (
    stamp bigint NOT NULL,
    node text NOT NULL CHECK (char_length(node) BETWEEN 1 AND 255),
    first_seen timestamptz NOT NULL DEFAULT now(),
    last_checkpoint timestamptz,
    PRIMARY KEY (stamp, node)
) WITH (fillfactor = 45);

-- Checkpoints that the ledger refused, as they came: one row for each reason that a count of a
-- clinic was refused for, however often it rose meanwhile. The length of the reason is the only
-- rule here.
CREATE TABLE metering.quarantine (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    month date NOT NULL,
    clinic_id uuid NOT NULL,
    epoch bigint NOT NULL,
    used bigint NOT NULL,
    credited bigint NOT NULL,
    reason text NOT NULL CHECK (char_length(reason) BETWEEN 1 AND 200),
    times bigint NOT NULL DEFAULT 1,
    first_seen timestamptz NOT NULL DEFAULT now(),
    last_seen timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT quarantine_reason_key UNIQUE (month, clinic_id, epoch, reason)
);

-- Callers' keys. Only the SHA-256 of a key is stored; an empty `clinics` means every clinic.
-- `marks` is a scope of its own: a caller that may check is not thereby believed in what it
-- counted.
CREATE TABLE metering.api_key (
    key_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hash bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
    name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
    scopes text[] NOT NULL CHECK (
        cardinality(scopes) > 0 AND scopes <@ ARRAY['check', 'usage', 'marks', 'admin']),
    clinics uuid[] NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_on date
);

-- Which workers live, and up to when each has written everything it saw.
CREATE TABLE metering.worker_heartbeat (
    worker_id text PRIMARY KEY CHECK (char_length(worker_id) BETWEEN 1 AND 255),
    started_at timestamptz NOT NULL DEFAULT now(),
    seen_at timestamptz NOT NULL DEFAULT now(),
    checkpointed_through timestamptz
) WITH (fillfactor = 45);

-- The latest runs of each job.
CREATE TABLE metering.job_run (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job text NOT NULL CHECK (char_length(job) BETWEEN 1 AND 100),
    started_at timestamptz NOT NULL,
    finished_at timestamptz NOT NULL DEFAULT now(),
    rows_written bigint NOT NULL CHECK (rows_written >= 0),
    ok boolean NOT NULL
);
CREATE INDEX job_run_latest ON metering.job_run (job, started_at DESC);

-- What an operator should look at: one open row for each finding, however often it is found again.
--   kind         the kind of finding, a fixed name: 'unknown_status', 'refused_plan', …
--   clinic_id    whom it is about; NULL when it is about no single clinic
--   subject      which of its kind: the unknown status, the plan's number; '' when there is one at
--                most
--   resolved_at  when it was gone; a row is kept, a later finding gets its own
CREATE TABLE metering.attention (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CHECK (kind ~ '^[a-z][a-z_]{0,39}$'),
    clinic_id uuid,
    subject text NOT NULL DEFAULT '' CHECK (char_length(subject) <= 200),
    detail text NOT NULL CHECK (char_length(detail) BETWEEN 1 AND 500),
    times bigint NOT NULL DEFAULT 1,
    first_seen timestamptz NOT NULL DEFAULT now(),
    last_seen timestamptz NOT NULL DEFAULT now(),
    resolved_at timestamptz
);
CREATE UNIQUE INDEX attention_open ON metering.attention
    (kind, clinic_id, subject) NULLS NOT DISTINCT
    WHERE resolved_at IS NULL;

DO $$
DECLARE
    kept regclass;
BEGIN
    FOREACH kept IN ARRAY ARRAY['metering.redis_stamp', 'metering.quarantine', 'metering.api_key',
        'metering.worker_heartbeat', 'metering.job_run']::regclass[]
    LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', kept);
        EXECUTE format(
            'CREATE POLICY worker_all ON %s TO metering_worker USING (true) WITH CHECK (true)',
            kept);
        EXECUTE format(
            'CREATE POLICY admin_reads ON %s FOR SELECT TO billing_admin, billing_viewer'
            ' USING (true)', kept);
    END LOOP;
END
$$;
GRANT SELECT, INSERT, UPDATE ON metering.redis_stamp, metering.quarantine, metering.api_key
    TO metering_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON metering.worker_heartbeat TO metering_worker;
GRANT SELECT, INSERT, DELETE ON metering.job_run TO metering_worker;
-- Hashes of keys are for the worker alone.
GRANT SELECT ON metering.redis_stamp, metering.quarantine, metering.worker_heartbeat,
    metering.job_run TO billing_admin, billing_viewer;

ALTER TABLE metering.attention ENABLE ROW LEVEL SECURITY;
CREATE POLICY readers ON metering.attention FOR SELECT
    TO metering_worker, billing_admin, billing_viewer USING (true);
GRANT SELECT ON metering.attention TO metering_worker, billing_admin, billing_viewer;
