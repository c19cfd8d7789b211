-- Plans as they were and are: every change of a plan is a version, and a version that cannot be read is
-- never used; the last good one stays in force. docs/decisions/0011-plan-versions.md says why.
--
-- The team's UPDATE of subscription_plans is never refused for what it writes. It is looked at here at
-- once, for the types and ranges of what a check reads, and more strictly by the program that loads it.

-- What a count of `features` says: −1 = unlimited, also when it says nothing; NULL = no whole number.
CREATE FUNCTION metering.plan_amount(features jsonb, VARIADIC path text[]) RETURNS bigint
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE
        WHEN coalesce(jsonb_typeof(features #> path), 'null') = 'null' THEN -1
        WHEN jsonb_typeof(features #> path) = 'number' AND features #>> path ~ '^(-1|[0-9]{1,16})$'
            AND (features #>> path)::bigint <= 9007199254740991
            THEN (features #>> path)::bigint
        END
$$;

-- What is wrong with one window of a limit, or NULL.
CREATE FUNCTION metering.window_problem(path text, given jsonb, known text[]) RETURNS text
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    unknown text;
    length numeric;
    emission numeric;
    burst numeric;
BEGIN
    IF jsonb_typeof(given) <> 'object' THEN
        RETURN path || ' is not an object';
    END IF;
    SELECT k INTO unknown FROM jsonb_object_keys(given) AS k WHERE k <> ALL (known) ORDER BY k LIMIT 1;
    IF unknown IS NOT NULL THEN
        RETURN path || '.' || unknown || ' is not known here';
    END IF;
    IF NOT coalesce(jsonb_typeof(given -> 'rate') = 'number' AND given ->> 'rate' ~ '^[0-9]{1,10}$'
        AND (given ->> 'rate')::bigint BETWEEN 1 AND 1000000000, false)
    THEN
        RETURN path || '.rate is not a whole number of 1 to 1000000000';
    END IF;
    IF NOT coalesce(jsonb_typeof(given -> 'per') = 'string'
        AND given ->> 'per' ~ '^[0-9]{1,40}(ms|s|m|h|d)$', false)
    THEN
        RETURN path || '.per is not a length of time such as 1s';
    END IF;
    length := substring(given ->> 'per' FROM '^[0-9]+')::numeric
        * CASE substring(given ->> 'per' FROM '[a-z]+$') WHEN 'ms' THEN 1000 WHEN 's' THEN 1000000
            WHEN 'm' THEN 60000000 WHEN 'h' THEN 3600000000 ELSE 86400000000 END;
    IF coalesce(jsonb_typeof(given -> 'burst'), 'null') <> 'null'
        AND NOT (jsonb_typeof(given -> 'burst') = 'number' AND given ->> 'burst' ~ '^[0-9]{1,18}$'
            AND (given ->> 'burst')::bigint >= 1)
    THEN
        RETURN path || '.burst is not a whole number of 1 or more';
    END IF;
    burst := coalesce((given ->> 'burst')::numeric, (given ->> 'rate')::numeric);
    emission := ceil(length / (given ->> 'rate')::numeric);
    IF length < 1000 OR emission * burst > 140737488355327 THEN
        RETURN path || ' takes less than a millisecond or more than four years to fill';
    END IF;
    RETURN NULL;
END
$$;

-- What of a plan's key `metering` a check could not work with, or NULL. Whatever is refused here is
-- refused by the programs too; they refuse more.
CREATE FUNCTION metering.plan_problem(features jsonb) RETURNS text
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    named text;
    held jsonb;
    fault text;
    windows int := 0;
BEGIN
    IF features IS NULL THEN
        RETURN NULL;
    END IF;
    IF jsonb_typeof(features) <> 'object' THEN
        RETURN 'metering is not an object';
    END IF;
    IF octet_length(features::text) > 16384 THEN
        RETURN 'metering is longer than 16 KiB';
    END IF;
    SELECT k INTO named FROM jsonb_object_keys(features) AS k
    WHERE k NOT IN ('limits', 'quota', 'storage_bytes', 'billing', 'standing') ORDER BY k LIMIT 1;
    IF named IS NOT NULL THEN
        RETURN 'metering.' || named || ' is not known here';
    END IF;
    FOREACH named IN ARRAY ARRAY['limits', 'quota', 'billing', 'standing'] LOOP
        IF coalesce(jsonb_typeof(features -> named), 'null') NOT IN ('null', 'object') THEN
            RETURN 'metering.' || named || ' is not an object';
        END IF;
    END LOOP;
    SELECT k INTO named FROM jsonb_object_keys(
        CASE WHEN jsonb_typeof(features -> 'quota') = 'object' THEN features -> 'quota' ELSE '{}' END) AS k
    WHERE k <> 'api_calls' ORDER BY k LIMIT 1;
    IF named IS NOT NULL THEN
        RETURN 'metering.quota.' || named || ' is not known here';
    END IF;
    IF metering.plan_amount(features, 'quota', 'api_calls') IS NULL THEN
        RETURN 'metering.quota.api_calls is not a whole number of 0 or more, or -1 for unlimited';
    END IF;
    IF metering.plan_amount(features, 'storage_bytes') IS NULL THEN
        RETURN 'metering.storage_bytes is not a whole number of 0 or more, or -1 for unlimited';
    END IF;
    IF jsonb_typeof(features -> 'limits') = 'object' THEN
        FOR named, held IN SELECT key, value FROM jsonb_each(features -> 'limits') ORDER BY key LOOP
            IF named !~ '^[a-z0-9_-]{1,40}$' THEN
                RETURN 'metering.limits has a name that is not 1 to 40 of a-z, 0-9, _ and -';
            END IF;
            fault := metering.window_problem(
                'metering.limits.' || named, held, ARRAY['rate', 'per', 'burst', 'sustained']);
            windows := windows + 1;
            IF fault IS NULL AND coalesce(jsonb_typeof(held -> 'sustained'), 'null') <> 'null' THEN
                fault := metering.window_problem('metering.limits.' || named || '.sustained',
                    held -> 'sustained', ARRAY['rate', 'per', 'burst']);
                windows := windows + 1;
            END IF;
            IF fault IS NOT NULL THEN
                RETURN fault;
            END IF;
        END LOOP;
    END IF;
    IF windows > 8 THEN
        RETURN format('metering.limits has %s windows; a plan has at most 8', windows);
    END IF;
    RETURN NULL;
END
$$;

-- One row for each state that a plan was in, numbered from 1. Rows are kept: reports of past months and
-- the quota of the running one come from them.
--   features        the key `metering` of the plan's features; NULL when it has none
--   quota           units a month, −1 = unlimited
--   effective_from  when it was written, under the plan's lock; 1970 for what was there before this table
--   refused_by      number of the plan language of the program that refused it; NULL: refused here
CREATE TABLE metering.plan_version (
    plan_id int NOT NULL,
    version int NOT NULL CHECK (version >= 1),
    features jsonb,
    max_users bigint NOT NULL,
    max_patients bigint NOT NULL,
    quota bigint GENERATED ALWAYS AS (metering.plan_amount(features, 'quota', 'api_calls')) STORED,
    effective_from timestamptz NOT NULL DEFAULT clock_timestamp(),
    changed_by name NOT NULL DEFAULT session_user,
    valid boolean NOT NULL,
    problem text CHECK (char_length(problem) BETWEEN 1 AND 500),
    refused_by int,
    PRIMARY KEY (plan_id, version),
    CHECK (valid = (problem IS NULL))
);

-- Since when a clinic has its plan. Written under the lock of the plan's row, as versions are.
CREATE TABLE metering.clinic_plan (
    clinic_id uuid PRIMARY KEY,
    plan_id int,
    since timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE FUNCTION metering.note_plan_version() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    edited record;
    fault text;
BEGIN
    IF TG_OP = 'DELETE' THEN
        PERFORM metering.resolve_attention('refused_plan', NULL, o.plan_id::text) FROM old_rows o;
        RETURN NULL;
    END IF;
    FOR edited IN
        SELECT n.plan_id, n.name, coalesce(n.max_users, -1) AS max_users,
            coalesce(n.max_patients, -1) AS max_patients, n.features -> 'metering' AS features,
            coalesce(latest.version, 0) + 1 AS version
        FROM new_rows n LEFT JOIN LATERAL (
            SELECT v.version, v.features, v.max_users, v.max_patients FROM metering.plan_version v
            WHERE v.plan_id = n.plan_id ORDER BY v.version DESC LIMIT 1
        ) AS latest ON true
        WHERE latest.version IS NULL OR (n.features -> 'metering', coalesce(n.max_users, -1),
                coalesce(n.max_patients, -1))
            IS DISTINCT FROM (latest.features, latest.max_users, latest.max_patients)
        ORDER BY n.plan_id
    LOOP
        fault := coalesce(metering.plan_problem(edited.features),
            CASE WHEN edited.max_users < -1 THEN 'max_users is below -1'
                WHEN edited.max_patients < -1 THEN 'max_patients is below -1' END);
        INSERT INTO metering.plan_version
            (plan_id, version, features, max_users, max_patients, valid, problem)
        VALUES (edited.plan_id, edited.version, edited.features, edited.max_users, edited.max_patients,
            fault IS NULL, left(fault, 500));
        -- Its days of dunning may be others now.
        UPDATE metering.standing h SET next_at = least(h.next_at, clock_timestamp())
        FROM public.clinic_subscriptions s
        WHERE s.clinic_id = h.clinic_id AND s.plan_id = edited.plan_id AND h.unpaid_since IS NOT NULL;
        IF fault IS NULL THEN
            PERFORM metering.resolve_attention('refused_plan', NULL, edited.plan_id::text);
        ELSE
            PERFORM metering.note_attention('refused_plan', NULL, edited.plan_id::text,
                format('plan %s, version %s: %s', edited.name, edited.version, fault));
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;

CREATE FUNCTION metering.note_plan_move() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO metering.clinic_plan AS held (clinic_id, plan_id)
    SELECT clinic_id, plan_id FROM new_rows ORDER BY clinic_id
    ON CONFLICT (clinic_id) DO UPDATE SET plan_id = excluded.plan_id, since = excluded.since
    WHERE held.plan_id IS DISTINCT FROM excluded.plan_id;
    RETURN NULL;
END
$$;

-- Nobody may change a plan or a subscription between the first versions and the triggers.
LOCK TABLE public.subscription_plans, public.clinic_subscriptions IN SHARE ROW EXCLUSIVE MODE;

-- The names put them behind config_version_*, which take the lock of the plan's row.
CREATE TRIGGER plan_version_insert AFTER INSERT ON public.subscription_plans
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION metering.note_plan_version();
CREATE TRIGGER plan_version_update AFTER UPDATE ON public.subscription_plans
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION metering.note_plan_version();
CREATE TRIGGER plan_version_delete AFTER DELETE ON public.subscription_plans
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION metering.note_plan_version();
CREATE TRIGGER plan_move_insert AFTER INSERT ON public.clinic_subscriptions
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION metering.note_plan_move();
CREATE TRIGGER plan_move_update AFTER UPDATE ON public.clinic_subscriptions
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION metering.note_plan_move();

INSERT INTO metering.plan_version
    (plan_id, version, features, max_users, max_patients, effective_from, valid, problem)
SELECT p.plan_id, 1, p.features -> 'metering', coalesce(p.max_users, -1), coalesce(p.max_patients, -1),
    to_timestamp(0),
    checked.fault IS NULL, left(checked.fault, 500)
FROM public.subscription_plans p CROSS JOIN LATERAL (
    SELECT coalesce(metering.plan_problem(p.features -> 'metering'),
        CASE WHEN p.max_users < -1 THEN 'max_users is below -1'
            WHEN p.max_patients < -1 THEN 'max_patients is below -1' END) AS fault
) AS checked;
INSERT INTO metering.clinic_plan (clinic_id, plan_id, since)
SELECT clinic_id, plan_id, to_timestamp(0) FROM public.clinic_subscriptions;
SELECT metering.note_attention('refused_plan', NULL, v.plan_id::text,
    format('plan %s, version %s: %s', p.name, v.version, v.problem))
FROM metering.plan_version v JOIN public.subscription_plans p ON p.plan_id = v.plan_id WHERE NOT v.valid;

-- What the plan of a clinic gives it in a month (its first day, UTC); one row, also when no version is good.
--   version, features  of the newest good version; NULL when there is none
--   problem            of the newest version, when it is not that one
--   quota              in force: what was promised when the month began, or when the clinic came to the
--                      plan in it, and every raise since; −1 = unlimited
--   next_quota         of the next month: the newest
-- The bodies of this and of what it calls are text; it is inlined, so it has no SET clause.
CREATE FUNCTION metering.plan_in_force(for_clinic uuid, for_plan int, for_month date)
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

-- A program that loads plans found a version that it cannot read: from now on the one before it is used.
-- False when that was known. Every clinic of the plan is told.
CREATE FUNCTION metering.refuse_plan_version(
    refused_plan int, refused_version int, fault text, language int) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE metering.plan_version v SET valid = false, problem = left(fault, 500), refused_by = language
    WHERE v.plan_id = refused_plan AND v.version = refused_version AND v.valid;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM metering.note_attention('refused_plan', NULL, refused_plan::text,
        format('plan %s, version %s: %s', coalesce(
            (SELECT p.name FROM public.subscription_plans p WHERE p.plan_id = refused_plan), 'of a past'),
            refused_version, fault));
    PERFORM metering.raise_config_version(ARRAY(
        SELECT s.clinic_id FROM public.clinic_subscriptions s WHERE s.plan_id = refused_plan));
    RETURN true;
END
$$;

-- A program with a newer plan language starts: what only older ones refused is tried again. Returns how
-- many versions that are.
CREATE FUNCTION metering.reconsider_plans(language int) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    plans int[];
BEGIN
    WITH tried AS (
        UPDATE metering.plan_version v SET valid = true, problem = NULL, refused_by = NULL
        WHERE v.refused_by < language AND NOT v.valid RETURNING v.plan_id
    )
    SELECT array_agg(plan_id) INTO plans FROM tried;
    IF plans IS NULL THEN
        RETURN 0;
    END IF;
    PERFORM metering.resolve_attention('refused_plan', NULL, plan::text) FROM unnest(plans) AS plan;
    PERFORM metering.raise_config_version(ARRAY(
        SELECT s.clinic_id FROM public.clinic_subscriptions s WHERE s.plan_id = ANY (plans)));
    RETURN cardinality(plans);
END
$$;

ALTER TABLE metering.plan_version ENABLE ROW LEVEL SECURITY;
ALTER TABLE metering.clinic_plan ENABLE ROW LEVEL SECURITY;
CREATE POLICY readers ON metering.plan_version FOR SELECT TO metering_worker, billing_admin USING (true);
CREATE POLICY readers ON metering.clinic_plan FOR SELECT TO metering_worker, billing_admin USING (true);
GRANT SELECT ON metering.plan_version, metering.clinic_plan TO metering_worker, billing_admin;
REVOKE ALL ON FUNCTION metering.plan_amount(jsonb, text[]), metering.window_problem(text, jsonb, text[]),
    metering.plan_problem(jsonb), metering.note_plan_version(), metering.note_plan_move(),
    metering.plan_in_force(uuid, int, date), metering.refuse_plan_version(int, int, text, int),
    metering.reconsider_plans(int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION metering.plan_amount(jsonb, text[]), metering.window_problem(text, jsonb, text[]),
    metering.plan_problem(jsonb), metering.plan_in_force(uuid, int, date)
    TO metering_worker, billing_admin;
GRANT EXECUTE ON FUNCTION metering.refuse_plan_version(int, int, text, int), metering.reconsider_plans(int)
    TO metering_worker;

-- Plans are an administrator's to write. In an attached database V0007_attach_grants gave these rights in
-- the name of the tables' owner, whose dump another owner can restore; ours beside them could not be.
DO $$
DECLARE
    numbers text := pg_get_serial_sequence('public.subscription_plans', 'plan_id');
BEGIN
    IF NOT has_column_privilege('billing_admin', 'public.subscription_plans', 'features', 'UPDATE') THEN
        GRANT INSERT (name, max_users, max_patients, features),
            UPDATE (name, max_users, max_patients, features)
            ON public.subscription_plans TO billing_admin;
    END IF;
    -- An identity column needs no right to its sequence. One of the team's own may not be ours to lend:
    -- then plans can be changed by `billing`, and are made by the team.
    IF numbers IS NOT NULL AND NOT has_sequence_privilege('billing_admin', numbers, 'USAGE') THEN
        EXECUTE format('GRANT USAGE ON SEQUENCE %s TO billing_admin', numbers);
    END IF;
EXCEPTION WHEN insufficient_privilege THEN
    NULL;
END
$$;
