-- Makes all 64 rows of a month. Safe to repeat.
--   $1 month date
INSERT INTO metering.usage_month (month, bucket)
SELECT $1::date, bucket FROM generate_series(0, 63) AS bucket
ON CONFLICT (month, bucket) DO NOTHING
