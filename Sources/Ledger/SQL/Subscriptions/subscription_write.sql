-- Gives a clinic a subscription with the standing that was computed for it.
--   $1 clinic uuid      $2 plan int      $3 first day date      $4 last day date
--   $5 renews boolean
--   $6 status      $7 cause      $8 moved at timestamptz
--   $9 evaluate again at timestamptz or NULL
-- BQ006: nothing can end without the column auto_renew. Needs standing_lock before it.
SELECT metering.write_subscription($1::uuid, $2::int, $3::date, $4::date, $5::boolean, $6::text,
    $7::text,
    $8::timestamptz, $9::timestamptz) AS event
