-- Marks the buckets of new adjustments due and holds their rows until commit, so that a roll-up
-- waits for this transaction or runs again after it.
CREATE OR REPLACE FUNCTION metering.adjustment_is_due() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO metering.usage_month AS known (month, bucket, due)
    SELECT DISTINCT month, bucket, true FROM added ORDER BY month, bucket
    ON CONFLICT (month, bucket) DO UPDATE SET due = true;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION metering.adjustment_is_due FROM PUBLIC;
