-- Stores a new key by its hash.
--   $1 hash bytea (SHA-256, 32 bytes)     $2 name text      $3 scopes text[] (check, usage, admin)
--   $4 clinics uuid[] (empty = every one) $5 expires_at timestamptz or NULL (UTC)
INSERT INTO metering.api_key (hash, name, scopes, clinics, expires_at)
VALUES ($1::bytea, $2::text, $3::text[], $4::uuid[], $5::timestamptz)
RETURNING key_id, name, scopes, clinics, created_at, expires_at, revoked_at, last_used_on
