-- Turns enforcement on or off; changes no row when it already has this value.
--   $1 boolean
-- Locks the one row. Statements that are running finish by the rule they started with.
UPDATE metering.limit_mode SET enforced = $1::boolean, changed_at = now(), changed_by = session_user
WHERE enforced <> $1::boolean
