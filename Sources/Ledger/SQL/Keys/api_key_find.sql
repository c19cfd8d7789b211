-- The key with a hash, whatever its state; whether it is expired is judged by the reader's clock.
--   $1 hash bytea (SHA-256, 32 bytes)
-- Uses api_key_hash_key. Locks nothing.
SELECT key_id, name, scopes, clinics, created_at, expires_at, revoked_at, last_used_on
FROM metering.api_key WHERE hash = $1::bytea
