-- Defers a failed evaluation for five minutes and records it.
--   $1 clinic uuid      $2 what failed, without values
SELECT metering.defer_standing($1::uuid, $2::text)
