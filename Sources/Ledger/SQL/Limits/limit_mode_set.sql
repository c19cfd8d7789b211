-- Turns enforcement on or off; nothing where it stands so already.
--   $1 boolean
-- Locks the one row. Statements that run already finish by the rule they began with.
UPDATE metering.limit_mode SET enforced = $1::boolean, changed_at = now(), changed_by = session_user
WHERE enforced <> $1::boolean
