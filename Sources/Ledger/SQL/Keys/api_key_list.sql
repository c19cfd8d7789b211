-- All keys in the order of creation, without their hashes.
SELECT key_id, name, scopes, clinics, created_at, expires_at, revoked_at, last_used_on
FROM metering.api_key ORDER BY key_id
