-- Makes evaluations of one clinic wait for each other until the end of the transaction.
--   $1 clinic uuid
-- Locks clinic_subscriptions FOR NO KEY UPDATE, then metering.standing FOR UPDATE, one row each.
SELECT metering.lock_standing($1::uuid)
