-- Lets a key expire after a time, if it does not expire before.
--   $1 key_id bigint      $2 bigint, µs from now
-- Uses api_key_pkey; locks the row.
UPDATE metering.api_key
SET expires_at = least(expires_at, now() + $2::bigint * interval '1 microsecond')
WHERE key_id = $1::bigint
RETURNING key_id, name, scopes, clinics, created_at, expires_at, revoked_at, last_used_on
