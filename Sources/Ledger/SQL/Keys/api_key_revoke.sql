-- Ends a key; the time of the first revocation stays. No row for an unknown key.
--   $1 key_id bigint
-- Uses api_key_pkey; locks the row.
UPDATE metering.api_key SET revoked_at = coalesce(revoked_at, now()) WHERE key_id = $1::bigint
RETURNING key_id, name, scopes, clinics, created_at, expires_at, revoked_at, last_used_on
