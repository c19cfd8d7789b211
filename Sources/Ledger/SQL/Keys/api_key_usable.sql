-- Every key that is not revoked and not expired, with its hash: what a worker holds in memory.
--   $1 bigint, the most rows
--   $2 text[], the scopes that the reader knows; a key with another one is left out
-- A few hundred rows at most in practice; by primary key, so that a limit always cuts the same
-- keys.
SELECT hash, key_id, name, scopes, clinics, created_at, expires_at, revoked_at, last_used_on
FROM metering.api_key
WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now()) AND scopes <@ $2::text[]
ORDER BY key_id
LIMIT $1::bigint
