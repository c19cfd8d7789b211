-- Defers a failed plan change for five minutes and records it.
--   $1 id bigint      $2 what failed, without values
-- Uses plan_change_pkey; locks its row, for at most a second of waiting.
SELECT metering.defer_plan_change($1::bigint, $2::text)
