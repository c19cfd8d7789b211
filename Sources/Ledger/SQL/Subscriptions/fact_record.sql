-- Stores a fact once.
--   $1 clinic uuid      $2 kind      $3 at timestamptz      $4 until timestamptz or NULL
--   $5 invoice or NULL
--   $6 awaits payment boolean      $7 reason      $8 idempotency key, one for each fact of a clinic
-- BQ005: the key was used for another fact. Writes subscription_fact and audit_logs.
SELECT fact, is_new FROM metering.record_fact($1::uuid, $2::text, $3::timestamptz, $4::timestamptz,
    $5::text,
    $6::boolean, $7::text, $8::text)
