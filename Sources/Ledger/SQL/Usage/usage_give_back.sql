-- Gives units of a month back, once per key. Writes nothing when the key is known, or when the
-- month used less and `clamps` is false.
--   $1 month date        $2 clinic uuid       $3 units bigint (cost units, more than 0)
--   $4 key text          $5 reason text
--   $6 clamps boolean: give back as much as the month used
-- units_before is what the key gave back before, NULL when it is new; net is what the month used.
-- A closed or imported month does not change: the month of the database's clock gets the units,
-- with the other one as source_month.
-- Uses usage_checkpoint_pkey, usage_adjustment_month and the key. Needs usage_month_hold before it.
WITH known AS (
    SELECT -units AS units FROM metering.usage_adjustment WHERE idempotency_key = $4
), used AS (
    SELECT coalesce((
            SELECT sum(c.used - c.credited) FROM metering.usage_checkpoint c
            WHERE c.month = $1::date AND c.bucket = metering.bucket($2::uuid)
                AND c.clinic_id = $2::uuid), 0)
        + coalesce((
            SELECT sum(a.units) FROM metering.usage_adjustment a
            WHERE a.month = $1::date AND a.bucket = metering.bucket($2::uuid)
              AND a.clinic_id = $2::uuid), 0) AS net
), place AS (
    SELECT m.state = 'open' AS is_open FROM metering.usage_month m
    WHERE m.month = $1::date AND m.bucket = metering.bucket($2::uuid)
), added AS (
    INSERT INTO metering.usage_adjustment (month, clinic_id, units, source_month, reason,
        idempotency_key)
    SELECT CASE WHEN p.is_open THEN $1::date
            ELSE date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC')::date END,
        $2::uuid, -least($3::bigint, greatest(u.net, 0)),
        CASE WHEN p.is_open THEN NULL ELSE $1::date END, $5, $4
    FROM used u, place p
    WHERE NOT EXISTS (SELECT FROM known) AND ($6::boolean OR u.net >= $3::bigint)
    ON CONFLICT (idempotency_key) DO NOTHING
    RETURNING id
)
SELECT (SELECT count(*) FROM added) = 1 AS written, (SELECT units FROM known) AS units_before,
    (SELECT net FROM used)::bigint AS net
