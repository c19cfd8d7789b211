-- The unit of work in PostgreSQL: 64 buckets of clinics, each locked and summed on its own.
-- Bytes of SHA-256 spread every kind of UUID evenly, on every version and processor.
CREATE FUNCTION metering.bucket(clinic_id uuid) RETURNS smallint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN (get_byte(sha256(uuid_send(clinic_id)), 0) & 63)::smallint;

-- One row per month and bucket: its lock and its state.
--   due           the ledger holds, or may hold, more than api_usage says
--   rolled_up_at  api_usage holds everything the ledger held at this time
-- Writers hold FOR SHARE while they write with due set; the roll-up holds FOR UPDATE, sums in the
-- next statement, and clears it. So neither misses the other.
CREATE TABLE metering.usage_month (
    month date NOT NULL CHECK (extract(day FROM month) = 1),
    bucket smallint NOT NULL CHECK (bucket BETWEEN 0 AND 63),
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'closing', 'closed')),
    due boolean NOT NULL DEFAULT false,
    rolled_up_at timestamptz NOT NULL DEFAULT now(),
    closed_at timestamptz,
    row_count bigint,
    unit_sum numeric,
    seal bytea CHECK (octet_length(seal) = 32),
    PRIMARY KEY (month, bucket),
    CHECK ((state = 'closed') = (closed_at IS NOT NULL AND seal IS NOT NULL))
) WITH (fillfactor = 40);
