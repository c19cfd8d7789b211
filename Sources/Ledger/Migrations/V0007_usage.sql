-- What was used: counts by epoch, corrections, totals by day, bytes by month, resets of a quota.

-- The unit of work in PostgreSQL: 64 buckets of clinics, each locked and summed on its own.
-- Bytes of SHA-256 spread every kind of UUID evenly, on every version and processor.
CREATE FUNCTION metering.bucket(clinic_id uuid) RETURNS smallint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN (get_byte(sha256(uuid_send(clinic_id)), 0) & 63)::smallint;
REVOKE ALL ON FUNCTION metering.bucket(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION metering.bucket(uuid)
    TO metering_worker, billing_admin, billing_viewer;

-- One row per month and bucket: its lock and its state.
--   state         closed: invoices were written from it, api_usage is frozen;
--                 imported: a month from before metering_since, never summed and never frozen
--   due           the ledger holds, or may hold, more than api_usage says
--   rolled_up_at  api_usage holds everything the ledger held at this time
-- Writers hold FOR SHARE while they write with due set; the roll-up holds FOR UPDATE, sums in the
-- next statement, and clears it. So neither misses the other.
CREATE TABLE metering.usage_month (
    month date NOT NULL CHECK (extract(day FROM month) = 1),
    bucket smallint NOT NULL CHECK (bucket BETWEEN 0 AND 63),
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'closed', 'imported')),
    due boolean NOT NULL DEFAULT false,
    rolled_up_at timestamptz NOT NULL DEFAULT now(),
    closed_at timestamptz,
    PRIMARY KEY (month, bucket),
    CHECK ((state = 'closed') = (closed_at IS NOT NULL))
) WITH (fillfactor = 40);

-- What Redis counted, as totals: one row per month, clinic and epoch. used and credited only rise.
-- Usage outlives a clinic, so nothing here refers to clinics. The key begins with the bucket, so a
-- roll-up of one bucket reads one range. No index holds what changes and pages keep room: updates
-- stay on their page (HOT).
CREATE TABLE metering.usage_checkpoint (
    month date NOT NULL,
    bucket smallint NOT NULL GENERATED ALWAYS AS (metering.bucket(clinic_id)) STORED,
    clinic_id uuid NOT NULL,
    epoch bigint NOT NULL,
    used bigint NOT NULL,
    credited bigint NOT NULL,
    observed_at timestamptz NOT NULL,
    PRIMARY KEY (month, bucket, clinic_id, epoch),
    CONSTRAINT usage_checkpoint_month_check CHECK (extract(day FROM month) = 1),
    CONSTRAINT usage_checkpoint_epoch_check CHECK (epoch <> 0),
    CONSTRAINT usage_checkpoint_used_check CHECK (used BETWEEN 0 AND 9007199254740991),
    CONSTRAINT usage_checkpoint_credited_check CHECK (credited BETWEEN 0 AND used)
) PARTITION BY RANGE (month);

-- A month without a table of its own lands here and stays here.
CREATE TABLE metering.usage_checkpoint_default
    PARTITION OF metering.usage_checkpoint DEFAULT WITH (fillfactor = 45);

-- Signed corrections of a month, append-only: what counts beside the checkpoints.
--   units         cost units, below zero gives back
--   source_month  the month that the correction is about, when it is not `month` itself
CREATE TABLE metering.usage_adjustment (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    month date NOT NULL CHECK (extract(day FROM month) = 1),
    bucket smallint NOT NULL GENERATED ALWAYS AS (metering.bucket(clinic_id)) STORED,
    clinic_id uuid NOT NULL,
    units bigint NOT NULL CHECK (units BETWEEN -9007199254740991 AND 9007199254740991),
    source_month date CHECK (extract(day FROM source_month) = 1),
    reason text NOT NULL CHECK (char_length(reason) BETWEEN 1 AND 500),
    idempotency_key text NOT NULL UNIQUE CHECK (char_length(idempotency_key) BETWEEN 1 AND 200),
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by name NOT NULL DEFAULT session_user
);
CREATE INDEX usage_adjustment_month ON metering.usage_adjustment (month, bucket, clinic_id);

-- What a clinic had used of a month at the end of a day: a total, not a difference, so writing it
-- again changes nothing. A day has a row when the total changed on it; its calls are its total −
-- the total of the clinic's row before it in the month. Counts that arrive after the end of a month
-- go to its last day.
-- Thirteen months are kept. Each month is a table of its own, so that forgetting it costs nothing;
-- no index holds what changes and pages keep room: today's row is updated on its page (HOT).
CREATE TABLE metering.usage_daily (
    month date NOT NULL,
    clinic_id uuid NOT NULL,
    day date NOT NULL,
    units_total bigint NOT NULL,
    PRIMARY KEY (month, clinic_id, day),
    CONSTRAINT usage_daily_month_check CHECK (extract(day FROM month) = 1),
    CONSTRAINT usage_daily_day_check CHECK (day >= month AND day < month + interval '1 month')
) PARTITION BY RANGE (month);

-- A month without a table of its own lands here and stays here.
CREATE TABLE metering.usage_daily_default
    PARTITION OF metering.usage_daily DEFAULT WITH (fillfactor = 70);

-- Bytes of files by month: what a clinic held when the month ended, and the most it held in it.
-- A month has a row when something changed in it; before and between, the latest earlier row holds.
CREATE TABLE metering.storage_month (
    clinic_id uuid NOT NULL,
    month date NOT NULL CHECK (extract(day FROM month) = 1),
    bytes bigint NOT NULL CHECK (bytes >= 0),
    peak bigint NOT NULL CHECK (peak >= bytes),
    PRIMARY KEY (clinic_id, month)
) WITH (fillfactor = 45);

-- Resets of a quota within a month, each for a reason and in the audit log. A reset changes no
-- count: it leaves api_usage alone and lowers the sum that the quota is compared with.
--   units   cost units of the month counted when it was made, less those of earlier resets; an undo
--           takes those of its reset back: they are the same, negative
--   undoes  the reset that this row undoes, once
CREATE TABLE metering.quota_reset (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    clinic_id uuid NOT NULL,
    month date NOT NULL CHECK (extract(day FROM month) = 1),
    units bigint NOT NULL,
    undoes bigint UNIQUE REFERENCES metering.quota_reset (id),
    reason text NOT NULL CHECK (char_length(reason) BETWEEN 1 AND 500),
    created_by name NOT NULL DEFAULT session_user,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT quota_reset_units_check CHECK (CASE WHEN undoes IS NULL
        THEN units BETWEEN 0 AND 9007199254740991
        ELSE units BETWEEN -9007199254740991 AND 0 END)
);
CREATE INDEX quota_reset_month ON metering.quota_reset (clinic_id, month);

-- The worker writes totals; it reads bytes and resets, which functions write. A partition has no
-- policy and no grants: its rows are reached through its parent alone.
DO $$
DECLARE
    kept regclass;
BEGIN
    FOREACH kept IN ARRAY ARRAY['metering.usage_month', 'metering.usage_checkpoint',
        'metering.usage_adjustment', 'metering.usage_daily']::regclass[]
    LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', kept);
        EXECUTE format(
            'CREATE POLICY worker_all ON %s TO metering_worker USING (true) WITH CHECK (true)',
            kept);
        EXECUTE format(
            'CREATE POLICY admin_reads ON %s FOR SELECT TO billing_admin, billing_viewer'
            ' USING (true)', kept);
        EXECUTE format('GRANT SELECT, INSERT ON %s TO metering_worker', kept);
        EXECUTE format('GRANT SELECT ON %s TO billing_admin, billing_viewer', kept);
    END LOOP;
    FOREACH kept IN ARRAY ARRAY['metering.storage_month', 'metering.quota_reset']::regclass[] LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', kept);
        EXECUTE format('CREATE POLICY readers ON %s FOR SELECT'
            ' TO metering_worker, billing_admin, billing_viewer USING (true)', kept);
        EXECUTE format('GRANT SELECT ON %s'
            ' TO metering_worker, billing_admin, billing_viewer', kept);
    END LOOP;
END
$$;
ALTER TABLE metering.usage_checkpoint_default ENABLE ROW LEVEL SECURITY;
ALTER TABLE metering.usage_daily_default ENABLE ROW LEVEL SECURITY;
GRANT UPDATE ON metering.usage_month, metering.usage_checkpoint, metering.usage_daily
    TO metering_worker;
