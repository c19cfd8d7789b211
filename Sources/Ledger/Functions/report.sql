-- The rows of a report: each clinic that existed in a month and passes these filters; NULL is no
-- filter.
--   for_month    first day of the month         other_month  first day of a month to compare with
--   only_clinic  just this one, even if it did not exist in the month
--   plans, statuses  only these; 'none' is a clinic without a subscription
--   over         only clinics at or above this percentage of one of their limits
--   attention    only clinics with a finding
-- Limits: of the newest good version of the plan, or the clinic's own; −1 is unlimited, NULL is
-- none. Old values of payment_status are shown as the current ones. Users and patients are as of
-- now: triggers keep their counters exact. Calls and storage are what the last roll-up wrote.
-- storage_peak is the most that was held in the month; without a record of the month nothing
-- changed in it. findings:
-- names separated by spaces, NULL when there is none:
--   over_users, over_patients, over_calls, over_storage  more than the plan has
--   incomplete, past_due, suspended, paused, unknown_status  by payment_status
--   drift        a recount found `drift` counters of the clinic wrong in the month and corrected
--                them: rows were written without the triggers
--   attention    `open_attention` findings of metering.attention are open
-- One SELECT and no settings, so the planner sees through it: joins that are not used are left out.
-- The body is text, so that it does not block the team's own ALTER TABLE.
CREATE OR REPLACE FUNCTION metering.report(
    for_month date, other_month date, only_clinic uuid, plans text[], statuses text[], over bigint,
    attention boolean)
    RETURNS TABLE (
        clinic_id uuid, subdomain text, name text, plan text, payment_status text, users bigint,
        max_users bigint, patients bigint, max_patients bigint, api_calls bigint,
        api_calls_included bigint, storage_used bigint, storage_included bigint,
        users_percent bigint,
        patients_percent bigint, api_calls_percent bigint, storage_percent bigint,
        storage_peak bigint, open_attention bigint, drift bigint, findings text, other_calls bigint,
        other_storage bigint)
    LANGUAGE sql STABLE
AS $$
    WITH plan AS MATERIALIZED (
        SELECT p.plan_id, p.name, p.max_users::bigint, p.max_patients::bigint, v.quota AS calls,
            CASE WHEN v.plan_id IS NOT NULL
                THEN metering.plan_amount(v.features, 'storage_bytes') END
                AS storage
        FROM public.subscription_plans p LEFT JOIN LATERAL (
            SELECT w.plan_id, w.features, w.quota FROM metering.plan_version w
            WHERE w.plan_id = p.plan_id AND w.valid ORDER BY w.version DESC LIMIT 1
        ) AS v ON true
    ), own AS (
        SELECT o.clinic_id, max(o.value) FILTER (WHERE o.what = 'users') AS users,
            max(o.value) FILTER (WHERE o.what = 'patients') AS patients,
            max(o.value) FILTER (WHERE o.what = 'quota') AS calls,
            max(o.value) FILTER (WHERE o.what = 'storage') AS storage
        FROM metering.clinic_override o WHERE o.ended_at IS NULL AND o.until > now()
        GROUP BY o.clinic_id
    ), noted AS (
        SELECT a.clinic_id, count(*) AS things FROM metering.attention a
        WHERE a.resolved_at IS NULL GROUP BY a.clinic_id
    ), corrected AS (
        SELECT d.clinic_id, count(DISTINCT d.counter) AS counters FROM metering.counter_drift d
        WHERE d.found_at >= for_month::timestamp AT TIME ZONE 'UTC'
          AND d.found_at < (for_month + interval '1 month') AT TIME ZONE 'UTC'
        GROUP BY d.clinic_id
    ), line AS (
        SELECT c.clinic_id, c.subdomain::text, c.name::text, p.name::text AS plan,
            coalesce(metering.standing_status(s.payment_status), s.payment_status)::text
                AS payment_status,
            coalesce(k.users, 0) AS users, coalesce(e.users, p.max_users) AS max_users,
            coalesce(k.patients, 0) AS patients,
            coalesce(e.patients, p.max_patients) AS max_patients,
            coalesce(u.api_calls, 0)::bigint AS api_calls,
            coalesce(e.calls, p.calls) AS api_calls_included,
            coalesce(u.storage_used, 0) AS storage_used,
            coalesce(e.storage, p.storage) AS storage_included,
            greatest(m.peak, u.storage_used, 0) AS storage_peak,
            coalesce(n.things, 0) AS open_attention, coalesce(w.counters, 0) AS drift,
            coalesce(o.api_calls, 0)::bigint AS other_calls,
            coalesce(o.storage_used, 0) AS other_storage,
            s.clinic_id IS NULL AS has_no_subscription
        FROM public.clinics c
        LEFT JOIN public.api_usage u ON u.clinic_id = c.clinic_id AND u.month = for_month
        LEFT JOIN public.api_usage o ON o.clinic_id = c.clinic_id AND o.month = other_month
        LEFT JOIN public.clinic_subscriptions s ON s.clinic_id = c.clinic_id
        LEFT JOIN plan p ON p.plan_id = s.plan_id
        LEFT JOIN own e ON e.clinic_id = c.clinic_id
        LEFT JOIN metering.clinic_counter k ON k.clinic_id = c.clinic_id
        LEFT JOIN metering.storage_month m
            ON m.clinic_id = c.clinic_id AND m.month = for_month
        LEFT JOIN noted n ON n.clinic_id = c.clinic_id
        LEFT JOIN corrected w ON w.clinic_id = c.clinic_id
        WHERE (only_clinic IS NULL OR c.clinic_id = only_clinic)
          AND (u.clinic_id IS NOT NULL OR only_clinic IS NOT NULL OR coalesce(c.created_at <
              (greatest(for_month, other_month) + interval '1 month') AT TIME ZONE 'UTC', true))
    )
    SELECT l.clinic_id, l.subdomain, l.name, l.plan, l.payment_status, l.users, l.max_users,
        l.patients, l.max_patients, l.api_calls, l.api_calls_included, l.storage_used,
        l.storage_included, share.users, share.patients, share.calls, share.storage, l.storage_peak,
        l.open_attention, l.drift, found.findings, l.other_calls, l.other_storage
    FROM line l
    CROSS JOIN LATERAL (SELECT metering.percent(l.users, l.max_users) AS users,
        metering.percent(l.patients, l.max_patients) AS patients,
        metering.percent(l.api_calls, l.api_calls_included) AS calls,
        metering.percent(l.storage_used, l.storage_included) AS storage) AS share
    CROSS JOIN LATERAL (SELECT nullif(concat_ws(' ',
        CASE WHEN l.max_users >= 0 AND l.users > l.max_users THEN 'over_users' END,
        CASE WHEN l.max_patients >= 0 AND l.patients > l.max_patients THEN 'over_patients' END,
        CASE WHEN l.api_calls_included >= 0 AND l.api_calls > l.api_calls_included
            THEN 'over_calls' END,
        CASE WHEN l.storage_included >= 0 AND l.storage_used > l.storage_included
            THEN 'over_storage' END,
        CASE WHEN l.payment_status IN ('trialing', 'active', 'canceled', 'expired') THEN NULL
            WHEN l.payment_status IN ('incomplete', 'past_due', 'suspended', 'paused')
            THEN l.payment_status WHEN l.payment_status IS NOT NULL THEN 'unknown_status' END,
        CASE WHEN l.drift > 0 THEN 'drift' END,
        CASE WHEN l.open_attention > 0 THEN 'attention' END), '') AS findings) AS found
    WHERE (plans IS NULL OR l.plan = ANY (plans)
            OR l.has_no_subscription AND 'none' = ANY (plans))
      AND (statuses IS NULL OR l.payment_status = ANY (statuses)
            OR l.has_no_subscription AND 'none' = ANY (statuses))
      AND (over IS NULL
            OR greatest(share.users, share.patients, share.calls, share.storage) >= over
            OR l.max_users = 0 AND l.users > 0 OR l.max_patients = 0 AND l.patients > 0
            OR l.api_calls_included = 0 AND l.api_calls > 0
            OR l.storage_included = 0 AND l.storage_used > 0)
      AND (attention IS NOT TRUE OR found.findings IS NOT NULL)
$$;
REVOKE ALL ON FUNCTION metering.report FROM PUBLIC;
GRANT EXECUTE ON FUNCTION metering.report TO metering_worker, billing_admin, billing_viewer;
