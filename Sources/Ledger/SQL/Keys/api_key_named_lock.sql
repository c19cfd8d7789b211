-- Locks the keys of a name that are good now, so that one rotation follows the other.
--   $1 name text
-- Reads api_key, at most some thousand rows; locks the rows it finds, in key order.
SELECT key_id FROM metering.api_key
WHERE name = $1::text AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
ORDER BY key_id FOR UPDATE
