-- What the worker remembers about itself, about Redis and about its callers.

-- One row per life of a Redis node: the source of every bound of loss.
--   stamp        hash of master_replid     ended_clean  nothing was lost at its end; NULL while alive
CREATE TABLE metering.redis_epoch (
    stamp bigint NOT NULL,
    node text NOT NULL CHECK (char_length(node) BETWEEN 1 AND 255),
    first_seen timestamptz NOT NULL DEFAULT now(),
    last_checkpoint timestamptz,
    ended_clean boolean,
    PRIMARY KEY (stamp, node)
) WITH (fillfactor = 45);

-- Checkpoints that the ledger refused, as they came. No rule but the reason's length holds here.
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
    UNIQUE (month, clinic_id, epoch, used, credited, reason)
);

-- Callers' keys. Only the SHA-256 of a key is stored; an empty `clinics` means every clinic.
CREATE TABLE metering.api_key (
    key_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hash bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
    name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
    scopes text[] NOT NULL CHECK (
        cardinality(scopes) > 0 AND scopes <@ ARRAY['check', 'usage', 'admin']),
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

CREATE TABLE metering.job_run (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job text NOT NULL CHECK (char_length(job) BETWEEN 1 AND 100),
    started_at timestamptz NOT NULL,
    finished_at timestamptz NOT NULL DEFAULT now(),
    rows_written bigint NOT NULL CHECK (rows_written >= 0),
    ok boolean NOT NULL
);
CREATE INDEX job_run_latest ON metering.job_run (job, started_at DESC);
