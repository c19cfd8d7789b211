-- Calls by day, and the one place that says what a line of the report holds.

-- What a clinic had used of a month at the end of a day: a total, not a difference, so writing it again
-- changes nothing. A day has a row when the total changed on it; its calls are its total − the total of
-- the clinic's row before it in the month. What is counted for a month after its end goes to its last day.
-- Thirteen months are kept. A month is a table of its own, so that forgetting it costs nothing; no index
-- holds what changes and pages keep room: the row of today is updated on its page (HOT).
CREATE TABLE metering.usage_daily (
    month date NOT NULL,
    clinic_id uuid NOT NULL,
    day date NOT NULL,
    units_total bigint NOT NULL,
    PRIMARY KEY (month, clinic_id, day),
    CONSTRAINT usage_daily_month_check CHECK (extract(day FROM month) = 1),
    CONSTRAINT usage_daily_day_check CHECK (day >= month AND day < month + interval '1 month')
) PARTITION BY RANGE (month);

-- A month nobody prepared lands here and stays here.
CREATE TABLE metering.usage_daily_default
    PARTITION OF metering.usage_daily DEFAULT WITH (fillfactor = 70);

-- Makes the partitions of both month tables from the month before this one to `months_ahead` after it;
-- returns how many are new. Forgets days older than 13 months. The worker calls it, so it runs with the
-- owner's rights.
CREATE OR REPLACE FUNCTION metering.ensure_month_partitions(months_ahead int) RETURNS int
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET lock_timeout = '3s'
AS $$
DECLARE
    made int := 0;
    this_month date := date_trunc('month', now() AT TIME ZONE 'UTC')::date;
    oldest date := (this_month - interval '12 months')::date;
    parent record;
    first_day date;
    partition text;
    is_taken boolean;
BEGIN
    IF months_ahead IS NULL OR months_ahead NOT BETWEEN 0 AND 36 THEN
        RAISE EXCEPTION 'months_ahead is outside 0...36' USING ERRCODE = '22023';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('metering.ensure_month_partitions'));
    FOR parent IN SELECT * FROM (VALUES ('usage_checkpoint', 45), ('usage_daily', 70)) AS t (name, fill)
    LOOP
        FOR step IN -1..months_ahead LOOP
            first_day := (this_month + make_interval(months => step))::date;
            partition := parent.name || '_' || to_char(first_day, 'YYYY_MM');
            CONTINUE WHEN to_regclass('metering.' || partition) IS NOT NULL;
            EXECUTE format('SELECT EXISTS (SELECT FROM metering.%I WHERE month = $1)',
                parent.name || '_default') INTO is_taken USING first_day;
            CONTINUE WHEN is_taken;
            EXECUTE format(
                'CREATE TABLE metering.%I (LIKE metering.%I INCLUDING DEFAULTS'
                ' INCLUDING GENERATED INCLUDING CONSTRAINTS) WITH (fillfactor = %s)',
                partition, parent.name, parent.fill);
            EXECUTE format('ALTER TABLE metering.%I OWNER TO metering_owner', partition);
            EXECUTE format('ALTER TABLE metering.%I ENABLE ROW LEVEL SECURITY', partition);
            EXECUTE format(
                'ALTER TABLE metering.%I ATTACH PARTITION metering.%I FOR VALUES FROM (%L) TO (%L)',
                parent.name, partition, first_day, (first_day + interval '1 month')::date);
            made := made + 1;
        END LOOP;
    END LOOP;
    FOR partition IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'metering.usage_daily'::regclass
          AND c.relname ~ '^usage_daily_[0-9]{4}_[0-9]{2}$'
          AND c.relname < 'usage_daily_' || to_char(oldest, 'YYYY_MM')
    LOOP
        BEGIN
            EXECUTE format('DROP TABLE metering.%I', partition);
        EXCEPTION WHEN lock_not_available THEN
            NULL;  -- Somebody reads it: the next call drops it.
        END;
    END LOOP;
    DELETE FROM metering.usage_daily_default WHERE month < oldest;
    RETURN made;
END
$$;

ALTER TABLE metering.usage_daily ENABLE ROW LEVEL SECURITY;
ALTER TABLE metering.usage_daily_default ENABLE ROW LEVEL SECURITY;
CREATE POLICY worker_all ON metering.usage_daily TO metering_worker USING (true) WITH CHECK (true);
CREATE POLICY admin_reads ON metering.usage_daily FOR SELECT TO billing_admin USING (true);
GRANT SELECT, INSERT, UPDATE ON metering.usage_daily TO metering_worker;
GRANT SELECT ON metering.usage_daily TO billing_admin;
SELECT metering.ensure_month_partitions(3);

-- How many hundredths of `most` are `used`, rounded down: 812 of 1000 is 81. NULL where there is no limit, and
-- for a limit of 0, which has no hundredths. 10^10 stands for all that is more.
--   most  NULL, −1 for unlimited, or up to 2^53
CREATE FUNCTION metering.percent(used bigint, most bigint) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN most > 0 THEN
    CASE WHEN used / most >= 100000000 THEN 10000000000
        ELSE greatest(used, 0) / most * 100 + greatest(used, 0) % most * 100 / most END END;

-- What a report says of each clinic that existed in a month, by these filters; NULL is no filter.
--   for_month    first day of the month         other_month  of another, to stand beside it
--   only_clinic  just this one, whenever it began
--   plans, statuses  only these; 'none' is a clinic without a subscription
--   over         only who uses so many hundredths of one of its limits, or more
--   attention    only who has a finding
-- Limits: of the newest good version of the plan, or the clinic's own; −1 is unlimited, NULL is none.
-- Old words of payment_status are shown as ours. Users and patients are as of now: triggers
-- keep their counters exact. Calls and storage are what the last roll-up wrote. storage_peak is the most that
-- was held in the month; without a record of the month nothing changed in it.
-- findings: words with a blank between them, NULL when there is none:
--   over_users, over_patients, over_calls, over_storage  more than the plan has
--   incomplete, past_due, suspended, paused, unknown_status  what payment_status says, or cannot say
--   drift        a recount found `drift` counters of the clinic wrong in the month and set them right: somebody
--                wrote around the triggers
--   attention    `open_attention` things of metering.attention wait for somebody
-- One SELECT and no settings, so the planner sees through it: joins that nobody asks of are left out. The body
-- is text, so that it does not hold up the team's own ALTER TABLE.
CREATE FUNCTION metering.report(
    for_month date, other_month date, only_clinic uuid, plans text[], statuses text[], over bigint,
    attention boolean)
    RETURNS TABLE (
        clinic_id uuid, subdomain text, name text, plan text, payment_status text, users bigint,
        max_users bigint, patients bigint, max_patients bigint, api_calls bigint,
        api_calls_included bigint, storage_used bigint, storage_included bigint, users_percent bigint,
        patients_percent bigint, api_calls_percent bigint, storage_percent bigint,
        storage_peak bigint, open_attention bigint, drift bigint, findings text, other_calls bigint,
        other_storage bigint)
    LANGUAGE sql STABLE
AS $$
    WITH plan AS MATERIALIZED (
        SELECT p.plan_id, p.name, p.max_users::bigint, p.max_patients::bigint, v.quota AS calls,
            CASE WHEN v.plan_id IS NOT NULL THEN metering.plan_amount(v.features, 'storage_bytes') END
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
    ), mended AS (
        SELECT d.clinic_id, count(DISTINCT d.counter) AS counters FROM metering.counter_drift d
        WHERE d.found_at >= for_month::timestamp AT TIME ZONE 'UTC'
          AND d.found_at < (for_month + interval '1 month') AT TIME ZONE 'UTC'
        GROUP BY d.clinic_id
    ), line AS (
        SELECT c.clinic_id, c.subdomain::text, c.name::text, p.name::text AS plan,
            coalesce(metering.standing_word(s.payment_status), s.payment_status)::text
                AS payment_status,
            coalesce(k.users, 0) AS users, coalesce(e.users, p.max_users) AS max_users,
            coalesce(k.patients, 0) AS patients, coalesce(e.patients, p.max_patients) AS max_patients,
            coalesce(u.api_calls, 0)::bigint AS api_calls,
            coalesce(e.calls, p.calls) AS api_calls_included,
            coalesce(u.storage_used, 0) AS storage_used,
            coalesce(e.storage, p.storage) AS storage_included,
            greatest(m.peak, u.storage_used, 0) AS storage_peak,
            coalesce(n.things, 0) AS open_attention, coalesce(w.counters, 0) AS drift,
            coalesce(o.api_calls, 0)::bigint AS other_calls, coalesce(o.storage_used, 0) AS other_storage,
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
        LEFT JOIN mended w ON w.clinic_id = c.clinic_id
        WHERE (only_clinic IS NULL OR c.clinic_id = only_clinic)
          AND (u.clinic_id IS NOT NULL OR only_clinic IS NOT NULL OR coalesce(c.created_at <
              (greatest(for_month, other_month) + interval '1 month') AT TIME ZONE 'UTC', true))
    )
    SELECT l.clinic_id, l.subdomain, l.name, l.plan, l.payment_status, l.users, l.max_users,
        l.patients, l.max_patients, l.api_calls, l.api_calls_included, l.storage_used,
        l.storage_included, share.users, share.patients, share.calls, share.storage, l.storage_peak,
        l.open_attention, l.drift, found.words, l.other_calls, l.other_storage
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
        CASE WHEN l.open_attention > 0 THEN 'attention' END), '') AS words) AS found
    WHERE (plans IS NULL OR l.plan = ANY (plans)
            OR l.has_no_subscription AND 'none' = ANY (plans))
      AND (statuses IS NULL OR l.payment_status = ANY (statuses)
            OR l.has_no_subscription AND 'none' = ANY (statuses))
      AND (over IS NULL
            OR greatest(share.users, share.patients, share.calls, share.storage) >= over
            OR l.max_users = 0 AND l.users > 0 OR l.max_patients = 0 AND l.patients > 0
            OR l.api_calls_included = 0 AND l.api_calls > 0
            OR l.storage_included = 0 AND l.storage_used > 0)
      AND (attention IS NOT TRUE OR found.words IS NOT NULL)
$$;

REVOKE ALL ON FUNCTION metering.percent(bigint, bigint),
    metering.report(date, date, uuid, text[], text[], bigint, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION metering.percent(bigint, bigint),
    metering.report(date, date, uuid, text[], text[], bigint, boolean)
    TO metering_worker, billing_admin;
