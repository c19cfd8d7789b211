-- How this database came to be metered, and since when. In one that had the application before, usage
-- from before is the application's: it is taken over, never recomputed.
--   new       `migrate` made the tables; metering_since is the first migration
--   attached  the tables were there; metering_since is this migration
CREATE TABLE metering.installation (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    kind text NOT NULL CHECK (kind IN ('new', 'attached')),
    metering_since timestamptz NOT NULL
);
INSERT INTO metering.installation (kind, metering_since)
SELECT CASE WHEN second.name = 'V0002_attach_rights.sql' THEN 'attached' ELSE 'new' END,
    CASE WHEN second.name = 'V0002_attach_rights.sql' THEN now() ELSE first.applied_at END
FROM metering.schema_migration first, metering.schema_migration second
WHERE first.version = 1 AND second.version = 2;

ALTER TABLE metering.installation ENABLE ROW LEVEL SECURITY;
CREATE POLICY readers ON metering.installation FOR SELECT TO metering_worker, billing_admin
    USING (true);
GRANT SELECT ON metering.installation TO metering_worker, billing_admin;

-- imported: a month from before metering_since. Nothing here sums or freezes it.
ALTER TABLE metering.usage_month DROP CONSTRAINT usage_month_state_check;
ALTER TABLE metering.usage_month ADD CONSTRAINT usage_month_state_check
    CHECK (state IN ('open', 'closing', 'closed', 'imported'));

-- The first month that is metered; NULL where every month is.
CREATE FUNCTION metering.first_month() RETURNS date
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT date_trunc('month', metering_since AT TIME ZONE 'UTC')::date
    FROM metering.installation WHERE kind = 'attached'
$$;
REVOKE ALL ON FUNCTION metering.first_month() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION metering.first_month() TO metering_worker, billing_admin;

-- What api_usage shall hold for one month and bucket, beside what it holds now:
--   calls    Σ epochs (used − credited) + Σ adjustments; kept as it is where the ledger has nothing
--   storage  bytes at the end of the month, or now while it runs; kept as it is before the first record,
--            when not `with_storage`, and in an attached database while the clinic has a file of
--            unknown size (0)
-- In an attached database the rows of a clinic are the application's, and left out, until something of
-- the clinic is counted here. That count goes on from where the application's stands; from then on the
-- ledger rules, and the adjustment 'import:last:<clinic>' says so (rollup_take_over).
-- NULL before = no row yet. is_known = the clinic exists; usage of one that does not has no place in
-- api_usage. Read it with usage_month (month, bucket) locked FOR UPDATE by an earlier statement.
-- The body is text, so that it does not hold up the team's own ALTER TABLE.
CREATE OR REPLACE FUNCTION metering.usage_change(
    for_month date, for_bucket smallint, with_storage boolean)
    RETURNS TABLE (
        clinic_id uuid, calls_before bigint, calls_after bigint, storage_before bigint,
        storage_after bigint, is_known boolean)
    LANGUAGE sql STABLE
AS $$
    WITH attached AS MATERIALIZED (
        SELECT metering.first_month() IS NOT NULL AS is_so
    ), part AS (
        SELECT c.clinic_id, c.used - c.credited AS units, false AS is_import
        FROM metering.usage_checkpoint c WHERE c.month = for_month AND c.bucket = for_bucket
        UNION ALL
        SELECT a.clinic_id, a.units, starts_with(a.idempotency_key, 'import:')
        FROM metering.usage_adjustment a WHERE a.month = for_month AND a.bucket = for_bucket
    ), counted AS (
        SELECT p.clinic_id, sum(p.units)::bigint AS units, bool_and(p.is_import) AS is_import,
            coalesce(sum(p.units) FILTER (WHERE p.is_import), 0)::bigint AS imported
        FROM part p GROUP BY p.clinic_id
    ), present AS (
        SELECT k.clinic_id, u.api_calls::bigint AS api_calls, u.storage_used
        FROM metering.clinic_config k
        JOIN public.api_usage u ON u.clinic_id = k.clinic_id AND u.month = for_month
        WHERE k.bucket = for_bucket
    ), stored AS (
        SELECT k.clinic_id, latest.bytes FROM metering.clinic_config k
        CROSS JOIN LATERAL (
            SELECT s.bytes FROM metering.storage_month s
            WHERE s.clinic_id = k.clinic_id AND s.month <= for_month
            ORDER BY s.month DESC LIMIT 1
        ) AS latest
        WHERE with_storage AND k.bucket = for_bucket AND NOT (
            (SELECT is_so FROM attached) AND EXISTS (
                SELECT FROM public.file_storage f
                WHERE f.clinic_id = k.clinic_id AND coalesce(f.size_bytes, 0) = 0))
    ), merged AS (
        SELECT clinic_id, counted.units, counted.imported, NOT counted.is_import AS is_counted,
            present.api_calls, present.storage_used, stored.bytes
        FROM counted FULL JOIN present USING (clinic_id)
        FULL JOIN (SELECT * FROM stored) AS stored USING (clinic_id)
        WHERE counted.clinic_id IS NOT NULL OR present.clinic_id IS NOT NULL OR stored.bytes > 0
    ), ruled AS (
        SELECT m.*, CASE WHEN (SELECT is_so FROM attached) THEN EXISTS (
            SELECT FROM metering.usage_adjustment a
            WHERE a.idempotency_key = 'import:last:' || m.clinic_id) ELSE true END AS is_ours
        FROM merged m
    )
    SELECT r.clinic_id, r.api_calls,
        CASE WHEN r.is_ours THEN coalesce(r.units, r.api_calls, 0)
            ELSE r.units - r.imported + (
                SELECT coalesce(sum(u.api_calls), 0)::bigint FROM public.api_usage u
                WHERE u.clinic_id = r.clinic_id AND u.month >= for_month
                  AND u.month < for_month + interval '1 month') END,
        r.storage_used, coalesce(r.bytes, r.storage_used, 0),
        EXISTS (SELECT FROM public.clinics c WHERE c.clinic_id = r.clinic_id)
    FROM ruled r WHERE r.is_ours OR r.is_counted
$$;

-- Rows are compared as text: the team may give its tables columns of a type without equality (json),
-- and its UPDATE must go on running.
CREATE OR REPLACE FUNCTION metering.clinic_input_changed() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF TG_TABLE_NAME = 'clinic_subscriptions' THEN
        PERFORM FROM public.subscription_plans
        WHERE plan_id IN (SELECT plan_id FROM new_rows) ORDER BY plan_id FOR SHARE;
    END IF;
    PERFORM metering.raise_config_version(ARRAY(
        WITH old_texts AS (SELECT o.clinic_id, o::text FROM old_rows o),
            new_texts AS (SELECT n.clinic_id, n::text FROM new_rows n)
        SELECT clinic_id FROM (
            (TABLE old_texts EXCEPT TABLE new_texts) UNION ALL (TABLE new_texts EXCEPT TABLE old_texts)
        ) AS changed));
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION metering.plan_changed() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
        RAISE EXCEPTION 'a plan is edited in a READ COMMITTED transaction'
            USING ERRCODE = '0A000',
            HINT = 'Begin the transaction that edits subscription_plans with READ COMMITTED.';
    END IF;
    PERFORM metering.raise_config_version(ARRAY(
        SELECT s.clinic_id FROM public.clinic_subscriptions s WHERE s.plan_id IN (
            SELECT plan_id FROM (
                SELECT n.plan_id, n::text FROM new_rows n
                EXCEPT SELECT o.plan_id, o::text FROM old_rows o) AS edited)));
    RETURN NULL;
END
$$;

-- While limits are only observed, TRUNCATE runs at every isolation level; above READ COMMITTED, where
-- nothing can be counted again at once, the daily recount does.
CREATE OR REPLACE FUNCTION metering.count_after_truncate() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted')
        AND NOT (SELECT enforced FROM metering.limit_mode)
    THEN
        PERFORM metering.note_attention('counters_stale', NULL, TG_TABLE_NAME,
            'TRUNCATE above READ COMMITTED: counters are wrong until billing limits recount');
        RETURN NULL;
    END IF;
    PERFORM metering.recount(ARRAY(SELECT clinic_id FROM metering.clinic_counter));
    DELETE FROM metering.counter_drift WHERE found_at = now();
    RETURN NULL;
END
$$;

-- Limits of an application that ran without them begin by observing.
UPDATE metering.limit_mode SET enforced = false
WHERE enforced AND metering.first_month() IS NOT NULL;

-- Clinics that were there before their trigger.
INSERT INTO metering.clinic_config (clinic_id) SELECT clinic_id FROM public.clinics
ON CONFLICT (clinic_id) DO NOTHING;

-- From here on the application's own writing waits until this is done; its rows stay as they are.
LOCK TABLE public.api_usage IN SHARE ROW EXCLUSIVE MODE;

-- Each row of this month or later begins its month's total, wherever in the month its day lies.
INSERT INTO metering.usage_adjustment (month, clinic_id, units, reason, idempotency_key)
SELECT date_trunc('month', u.month)::date, u.clinic_id, u.api_calls,
    'counted by the application before metering', 'import:' || u.month || ':' || u.clinic_id
FROM public.api_usage u
WHERE u.month >= metering.first_month() AND isfinite(u.month)
  AND u.api_calls::numeric BETWEEN -9007199254740991 AND 9007199254740991 AND u.api_calls <> 0
ORDER BY u.month, u.clinic_id;

-- Earlier months are never summed here.
INSERT INTO metering.usage_month (month, bucket, state)
SELECT DISTINCT date_trunc('month', u.month)::date, bucket::smallint, 'imported'
FROM public.api_usage u CROSS JOIN generate_series(0, 63) AS bucket
WHERE u.month < metering.first_month() AND isfinite(u.month)
ON CONFLICT (month, bucket) DO NOTHING;

-- What was odd in what was found: nothing is changed for it.
SELECT metering.note_attention('odd_usage', u.clinic_id, u.month::text, concat_ws('; ',
    CASE WHEN NOT isfinite(u.month) THEN 'the month has no end; it is left out'
        WHEN extract(day FROM u.month) <> 1
        THEN 'the month is not the first of a month; it counts as ' || to_char(u.month, 'YYYY-MM') END,
    CASE WHEN u.api_calls IS NULL THEN 'api_calls is empty; it counts as 0'
        WHEN u.api_calls < 0 THEN 'api_calls is below zero'
        WHEN u.api_calls::numeric > 9007199254740991 THEN 'api_calls is too large; it is left out' END,
    CASE WHEN u.storage_used IS NULL THEN 'storage_used is empty'
        WHEN u.storage_used < 0 THEN 'storage_used is below zero' END,
    CASE WHEN NOT EXISTS (SELECT FROM public.clinics c WHERE c.clinic_id = u.clinic_id)
        THEN 'the clinic does not exist' END))
FROM public.api_usage u
WHERE metering.first_month() IS NOT NULL AND (NOT isfinite(u.month)
    OR extract(day FROM u.month) <> 1 OR u.api_calls IS NULL OR u.api_calls < 0
    OR u.api_calls::numeric > 9007199254740991 OR u.storage_used IS NULL OR u.storage_used < 0
    OR NOT EXISTS (SELECT FROM public.clinics c WHERE c.clinic_id = u.clinic_id));
