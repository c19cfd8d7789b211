-- Creates all 64 rows of a month. Safe to repeat. A month before metering is imported, never
-- summed.
--   $1 month date
INSERT INTO metering.usage_month (month, bucket, state)
SELECT $1::date, bucket,
    CASE WHEN $1::date < metering.first_month() THEN 'imported' ELSE 'open' END
FROM generate_series(0, 63) AS bucket
ON CONFLICT (month, bucket) DO NOTHING
