-- The number of the newest version of a plan, 0 when there is none.
--   $1 plan_id int
-- Uses plan_version_pkey. Locks nothing.
SELECT coalesce(max(version), 0) AS version FROM metering.plan_version WHERE plan_id = $1::int
