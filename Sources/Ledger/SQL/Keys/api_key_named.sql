-- The keys of a name that are good now, without their hashes.
--   $1 name text
-- Reads api_key, at most some thousand rows. Locks nothing.
SELECT key_id, name, scopes, clinics, created_at, expires_at, revoked_at, last_used_on
FROM metering.api_key
WHERE name = $1::text AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
ORDER BY key_id
