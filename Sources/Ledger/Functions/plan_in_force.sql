-- The terms of a clinic's plan in a month (its first day, UTC); one row, even when no version is
-- good.
--   version, features  of the newest good version; NULL when there is none
--   problem            of the newest version, when it is not that one
--   quota              in force: that at the start of the month, or at the clinic's move to the
--                      plan within it, plus every raise since; −1 = unlimited
--   next_quota         of the next month: the newest
-- The body is text; it is inlined, so it has no SET clause.
CREATE OR REPLACE FUNCTION metering.plan_in_force(for_clinic uuid, for_plan int, for_month date)
    RETURNS TABLE (version int, features text, problem text, quota bigint, next_quota bigint)
    LANGUAGE sql STABLE
AS $$
    SELECT newest.version, newest.features::text,
        CASE WHEN latest.version IS DISTINCT FROM newest.version THEN latest.problem END,
        held.quota, newest.quota
    FROM (VALUES (greatest(for_month::timestamp AT TIME ZONE 'UTC', (
        SELECT c.since FROM metering.clinic_plan c
        WHERE c.clinic_id = for_clinic AND c.plan_id = for_plan)))) AS promise (made_at)
    LEFT JOIN LATERAL (
        SELECT v.version, v.problem FROM metering.plan_version v WHERE v.plan_id = for_plan
        ORDER BY v.version DESC LIMIT 1
    ) AS latest ON true
    LEFT JOIN LATERAL (
        SELECT v.version, v.features, v.quota FROM metering.plan_version v
        WHERE v.plan_id = for_plan AND v.valid ORDER BY v.version DESC LIMIT 1
    ) AS newest ON true
    CROSS JOIN LATERAL (
        SELECT CASE WHEN bool_or(v.quota = -1) THEN -1 ELSE max(v.quota) END AS quota
        FROM metering.plan_version v
        WHERE v.plan_id = for_plan AND v.valid AND v.version >= coalesce(
            (SELECT max(b.version) FROM metering.plan_version b
             WHERE b.plan_id = for_plan AND b.valid AND b.effective_from <= promise.made_at), 0)
    ) AS held
$$;
REVOKE ALL ON FUNCTION metering.plan_in_force FROM PUBLIC;
GRANT EXECUTE ON FUNCTION metering.plan_in_force TO metering_worker, billing_admin, billing_viewer;
