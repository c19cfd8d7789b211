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

-- Marks the buckets of new adjustments due and holds their rows until commit, so that a roll-up
-- waits for this transaction or runs again after it.
CREATE FUNCTION metering.adjustment_is_due() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO metering.usage_month AS known (month, bucket, due)
    SELECT DISTINCT month, bucket, true FROM added ORDER BY month, bucket
    ON CONFLICT (month, bucket) DO UPDATE SET due = true;
    RETURN NULL;
END
$$;
CREATE TRIGGER adjustment_is_due AFTER INSERT ON metering.usage_adjustment
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION metering.adjustment_is_due();
