-- Stores what an evaluation found; event is NULL when the status stays.
--   $1 clinic uuid      $2 status      $3 cause      $4 moved at timestamptz
--   $5 unpaid since timestamptz or NULL
--   $6 evaluate again at timestamptz or NULL
-- Needs standing_lock before it in its transaction.
SELECT metering.apply_standing($1::uuid, $2::text, $3::text, $4::timestamptz, $5::timestamptz,
    $6::timestamptz)
    AS event
