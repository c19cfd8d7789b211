-- Carries out one plan change; false when it is done, dropped or not due.
--   $1 id
-- Locks the clinic's subscription and standing.
SELECT metering.apply_plan_change($1::bigint) AS applied
