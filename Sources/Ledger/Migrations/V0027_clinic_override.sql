-- What one clinic has beside its plan, until a day, for a reason, by somebody.
--
-- An override replaces one number of the plan: the quota, a limit of the database, or one rate limit.
-- It is compared with the clock wherever it is read, so it ends without anybody acting; a worker then
-- raises the clinic's config version, which brings the plan's number back to Redis.
--   what       quota, users, patients, storage, limit:NAME or limit:NAME.sustained
--   value      of all but limits: units, people, bytes; −1 = unlimited
--   rate, per, burst   of limits: `rate` units per `per` µs, at most `burst` at once
--   ended_at   when it was ended, replaced or seen to be over; ended_by NULL = it was over
CREATE TABLE metering.clinic_override (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    clinic_id uuid NOT NULL,
    what text NOT NULL CHECK (
        what IN ('quota', 'users', 'patients', 'storage')
        OR what ~ '^limit:[a-z0-9_-]{1,40}(\.sustained)?$'),
    value bigint CHECK (value BETWEEN -1 AND 9007199254740991),
    rate bigint CHECK (rate BETWEEN 1 AND 1000000000),
    per bigint CHECK (per BETWEEN 1000 AND 140737488355327),
    burst bigint CHECK (burst BETWEEN 1 AND 140737488355327),
    until timestamptz NOT NULL,
    reason text NOT NULL CHECK (char_length(reason) BETWEEN 1 AND 500),
    created_by name NOT NULL DEFAULT session_user,
    created_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    ended_by name,
    end_reason text CHECK (char_length(end_reason) BETWEEN 1 AND 500),
    CHECK (until > created_at),
    CHECK (CASE WHEN what LIKE 'limit:%' THEN value IS NULL AND num_nonnulls(rate, per, burst) = 3
        ELSE value IS NOT NULL AND num_nonnulls(rate, per, burst) = 0 END),
    CHECK (((per + rate - 1) / rate)::numeric * burst <= 140737488355327)
);
-- One of a kind at a time.
CREATE UNIQUE INDEX clinic_override_open ON metering.clinic_override (clinic_id, what)
    WHERE ended_at IS NULL;
CREATE INDEX clinic_override_due ON metering.clinic_override (until) WHERE ended_at IS NULL;

-- Each is told in the audit log of the clinic, and raises its config version. A team that keeps
-- audit_logs by row security names the clinic in app.current_clinic_id: so is done here, and the
-- caller's own value brought back.
CREATE FUNCTION metering.override_changed() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    changed record;
    caller text := coalesce(current_setting('app.current_clinic_id', true), '');
BEGIN
    FOR changed IN
        SELECT n.*, CASE WHEN n.ended_at IS NULL THEN 'override_set'
            WHEN n.ended_by IS NULL THEN 'override_over' ELSE 'override_ended' END AS action
        FROM new_rows n ORDER BY n.clinic_id, n.id
    LOOP
        PERFORM set_config('app.current_clinic_id', changed.clinic_id::text, true);
        INSERT INTO public.audit_logs (clinic_id, action, entity_type, entity_id, details)
        SELECT c.clinic_id, changed.action, 'clinic_override', changed.id, jsonb_strip_nulls(
            jsonb_build_object('what', changed.what, 'value', changed.value, 'rate', changed.rate,
                'per_us', changed.per, 'burst', changed.burst, 'until', changed.until,
                'reason', coalesce(changed.end_reason, changed.reason),
                'by', CASE changed.action WHEN 'override_set' THEN changed.created_by
                    ELSE changed.ended_by END))
        FROM public.clinics c WHERE c.clinic_id = changed.clinic_id;
    END LOOP;
    PERFORM set_config('app.current_clinic_id', caller, true);
    PERFORM metering.raise_config_version(ARRAY(SELECT clinic_id FROM new_rows));
    RETURN NULL;
END
$$;
CREATE TRIGGER override_insert AFTER INSERT ON metering.clinic_override
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION metering.override_changed();
CREATE TRIGGER override_update AFTER UPDATE ON metering.clinic_override
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION metering.override_changed();

-- Notes the overrides that are over, at most 1,000, and returns how many. Every worker asks each second;
-- one that another is at is left to it.
CREATE FUNCTION metering.end_overrides() RETURNS bigint
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    WITH due AS (
        SELECT o.id FROM metering.clinic_override o WHERE o.ended_at IS NULL AND o.until <= now()
        ORDER BY o.clinic_id, o.id LIMIT 1000 FOR UPDATE SKIP LOCKED
    ), ended AS (
        UPDATE metering.clinic_override o SET ended_at = now() FROM due WHERE o.id = due.id RETURNING 1
    )
    SELECT count(*) FROM ended;
END;

-- What a clinic may have: its override, else its plan; NULL is unlimited, and so is no subscription.
-- Storage is that of the plan's newest good version. The body is text, so that it does not hold up the
-- team's own ALTER TABLE.
CREATE OR REPLACE FUNCTION metering.plan_limit(clinic uuid, counter text) RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT nullif(coalesce(
        (SELECT o.value FROM metering.clinic_override o
         WHERE o.clinic_id = clinic AND o.what = counter AND o.ended_at IS NULL AND o.until > now()),
        (SELECT CASE counter
            WHEN 'users' THEN p.max_users
            WHEN 'patients' THEN p.max_patients
            ELSE (SELECT metering.plan_amount(v.features, 'storage_bytes')
                FROM metering.plan_version v WHERE v.plan_id = p.plan_id AND v.valid
                ORDER BY v.version DESC LIMIT 1) END
         FROM public.clinic_subscriptions s JOIN public.subscription_plans p ON p.plan_id = s.plan_id
         WHERE s.clinic_id = clinic)), -1)
$$;

ALTER TABLE metering.clinic_override ENABLE ROW LEVEL SECURITY;
CREATE POLICY readers ON metering.clinic_override FOR SELECT TO metering_worker, billing_admin
    USING (true);
CREATE POLICY admin_adds ON metering.clinic_override FOR INSERT TO billing_admin WITH CHECK (true);
-- An override that has ended stays as it is.
CREATE POLICY admin_ends ON metering.clinic_override FOR UPDATE TO billing_admin
    USING (ended_at IS NULL) WITH CHECK (ended_at IS NOT NULL);
GRANT SELECT ON metering.clinic_override TO metering_worker, billing_admin;
GRANT INSERT (clinic_id, what, value, rate, per, burst, until, reason),
    UPDATE (ended_at, ended_by, end_reason) ON metering.clinic_override TO billing_admin;
REVOKE ALL ON FUNCTION metering.override_changed(), metering.end_overrides() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION metering.end_overrides() TO metering_worker;
