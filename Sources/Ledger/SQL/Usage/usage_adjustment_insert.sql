-- Adds corrections of months, each once: a known key changes nothing. Returns how many are new.
--   $1 months date[]      $2 clinics uuid[]      $3 units bigint[] (signed cost units)
--   $4 keys text[], 1 to 200 characters, each once      $5 reason text of all of them
-- Arrays of equal length. A correction of a closed month counts in the running one and names its
-- month.
-- Uses usage_adjustment's key and usage_month_pkey; a trigger locks the buckets of usage_month.
WITH added AS (
    INSERT INTO metering.usage_adjustment
        (month, clinic_id, units, source_month, reason, idempotency_key)
    SELECT CASE WHEN held.state = 'closed' THEN running.month ELSE given.month END, given.clinic_id,
        given.units, CASE WHEN held.state = 'closed' THEN given.month END, $5::text, given.key
    FROM unnest($1::date[], $2::uuid[], $3::bigint[], $4::text[])
        AS given (month, clinic_id, units, key)
    CROSS JOIN (SELECT date_trunc('month', now() AT TIME ZONE 'UTC')::date AS month) AS running
    LEFT JOIN metering.usage_month held
        ON held.month = given.month AND held.bucket = metering.bucket(given.clinic_id)
    ORDER BY given.key
    ON CONFLICT (idempotency_key) DO NOTHING
    RETURNING 1
)
SELECT count(*) AS added FROM added
