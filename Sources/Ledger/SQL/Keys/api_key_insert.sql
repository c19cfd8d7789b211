-- Stores a new key by its hash. No row when too many usable keys exist.
--   $1 hash bytea (SHA-256, 32 bytes)     $2 name text
--   $3 scopes text[] (check, usage, marks, admin)
--   $4 clinics uuid[] (empty = every one) $5 expires_at timestamptz or NULL (UTC)
--   $6 bigint, the most usable keys there may be with this one
-- Reads api_key. Two concurrent calls may exceed the bound by one; readers of usable keys notice
-- it.
INSERT INTO metering.api_key (hash, name, scopes, clinics, expires_at)
SELECT $1::bytea, $2::text, $3::text[], $4::uuid[], $5::timestamptz
WHERE $6::bigint > (
    SELECT count(*) FROM metering.api_key
    WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now()))
RETURNING key_id, name, scopes, clinics, created_at, expires_at, revoked_at, last_used_on
