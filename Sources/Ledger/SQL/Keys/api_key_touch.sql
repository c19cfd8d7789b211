-- Records the day on which keys were used; at most one write per day and key.
--   $1 key_ids bigint[]
-- Uses api_key_pkey; locks the rows that change, in key order.
WITH stale AS (
    SELECT key_id FROM metering.api_key
    WHERE key_id = ANY ($1::bigint[])
      AND last_used_on IS DISTINCT FROM (now() AT TIME ZONE 'UTC')::date
    ORDER BY key_id FOR UPDATE
)
UPDATE metering.api_key k SET last_used_on = (now() AT TIME ZONE 'UTC')::date
FROM stale WHERE k.key_id = stale.key_id
