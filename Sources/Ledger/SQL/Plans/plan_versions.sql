-- The versions of a plan, the newest first, at most 100.
--   $1 plan_id int
-- Uses plan_version_pkey. Locks nothing.
SELECT version, effective_from, changed_by::text AS changed_by, max_users, max_patients, quota,
    problem
FROM metering.plan_version WHERE plan_id = $1::int
ORDER BY version DESC LIMIT 100
