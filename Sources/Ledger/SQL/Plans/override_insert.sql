-- Sets an override for a clinic; returns the row's number.
--   $1 clinic uuid      $2 what text      $3 value bigint, −1 = unlimited, NULL for a rate limit
--   $4 rate bigint      $5 per bigint, µs      $6 burst bigint, all three NULL for other kinds
--   $7 until timestamptz      $8 reason text
-- Its trigger writes the audit log and raises the clinic's config version.
INSERT INTO metering.clinic_override (clinic_id, what, value, rate, per, burst, until, reason)
VALUES ($1::uuid, $2::text, $3::bigint, $4::bigint, $5::bigint, $6::bigint, $7::timestamptz,
    $8::text)
RETURNING id
