-- Puts an evaluation that failed off for five minutes and notes it.
--   $1 clinic uuid      $2 what failed, without values
SELECT metering.defer_standing($1::uuid, $2::text)
