-- What the database itself counts of each clinic: seats, patients and bytes of files.
--
-- mode observe counts and reports; mode enforce also refuses what goes over the plan. A database that
-- has clinics already was running without limits: it begins by observing. An empty one enforces.
CREATE TABLE metering.limit_mode (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    enforced boolean NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now(),
    changed_by name NOT NULL DEFAULT session_user
);
INSERT INTO metering.limit_mode (enforced) SELECT NOT EXISTS (SELECT FROM public.clinics);

-- One row per clinic, locked by everyone who adds or removes: this lock is the order between them.
CREATE TABLE metering.clinic_counter (
    clinic_id uuid PRIMARY KEY,
    users bigint NOT NULL DEFAULT 0 CHECK (users >= 0),
    patients bigint NOT NULL DEFAULT 0 CHECK (patients >= 0),
    storage_bytes bigint NOT NULL DEFAULT 0 CHECK (storage_bytes >= 0)
) WITH (fillfactor = 45);

-- A seat is a person: refs says in how many ways he belongs to the clinic (users, clinic_staff).
CREATE TABLE metering.clinic_seat (
    clinic_id uuid NOT NULL,
    user_id bigint NOT NULL,
    refs int NOT NULL CHECK (refs >= 0),
    PRIMARY KEY (clinic_id, user_id)
) WITH (fillfactor = 70);

-- Where the counter and the rows disagreed when they were counted again.
CREATE TABLE metering.counter_drift (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    clinic_id uuid NOT NULL,
    counter text NOT NULL CHECK (counter IN ('users', 'patients', 'storage')),
    kept bigint NOT NULL,
    counted bigint NOT NULL,
    found_at timestamptz NOT NULL DEFAULT now()
);

-- What the plan of a clinic lets it have; NULL is unlimited, and so is no subscription. A storage
-- limit that is no whole number limits nothing here: the reader of plans says what is wrong with it.
-- The body is text, so that it does not hold up the team's own ALTER TABLE.
CREATE FUNCTION metering.plan_limit(clinic uuid, counter text) RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT nullif(CASE counter
        WHEN 'users' THEN p.max_users
        WHEN 'patients' THEN p.max_patients
        ELSE CASE WHEN p.features #>> '{metering,storage_bytes}' ~ '^[0-9]{1,16}$'
            THEN (p.features #>> '{metering,storage_bytes}')::bigint END
        END, -1)
    FROM public.clinic_subscriptions s JOIN public.subscription_plans p ON p.plan_id = s.plan_id
    WHERE s.clinic_id = clinic
$$;

-- Locks the counters of these clinics in one order, making those that are missing.
CREATE FUNCTION metering.lock_counters(clinics uuid[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO metering.clinic_counter (clinic_id)
    SELECT DISTINCT clinic FROM unnest(clinics) AS clinic
    WHERE NOT EXISTS (SELECT FROM metering.clinic_counter c WHERE c.clinic_id = clinic)
    ORDER BY clinic
    ON CONFLICT (clinic_id) DO NOTHING;
    PERFORM FROM metering.clinic_counter WHERE clinic_id = ANY (clinics)
    ORDER BY clinic_id FOR NO KEY UPDATE;
END
$$;

-- Adds to one counter of one clinic, or refuses with BQ001 users, BQ002 patients, BQ003 storage. The
-- conditional update decides: it reads the row as it is now, at every isolation level.
CREATE FUNCTION metering.count_more(clinic uuid, counter text, asked bigint) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    most bigint;
    held bigint;
BEGIN
    IF asked > 0 AND (SELECT enforced FROM metering.limit_mode) THEN
        most := metering.plan_limit(clinic, counter);
    END IF;
    -- Never below 0: a counter that is wrong must not stand in the way of a DELETE; the recount mends it.
    UPDATE metering.clinic_counter SET
        users = greatest(0, users + CASE counter WHEN 'users' THEN asked ELSE 0 END),
        patients = greatest(0, patients + CASE counter WHEN 'patients' THEN asked ELSE 0 END),
        storage_bytes = greatest(0,
            storage_bytes + CASE counter WHEN 'storage' THEN asked ELSE 0 END)
    WHERE clinic_id = clinic AND (most IS NULL OR asked <= most - CASE counter
        WHEN 'users' THEN users WHEN 'patients' THEN patients ELSE storage_bytes END);
    IF FOUND THEN
        RETURN;
    END IF;
    SELECT CASE counter WHEN 'users' THEN users WHEN 'patients' THEN patients ELSE storage_bytes END
    INTO held FROM metering.clinic_counter WHERE clinic_id = clinic;
    RAISE EXCEPTION 'the plan has no room for more %', counter
        USING ERRCODE = CASE counter
                WHEN 'users' THEN 'BQ001' WHEN 'patients' THEN 'BQ002' ELSE 'BQ003' END,
            DETAIL = json_build_object('limit', most, 'used', held, 'asked', asked)::text,
            HINT = 'Remove some, or move the clinic to a larger plan.';
END
$$;

-- Applies the changes of one statement, one entry for each clinic.
CREATE FUNCTION metering.count_changes(counter text, clinics uuid[], changes bigint[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    change record;
BEGIN
    IF coalesce(cardinality(clinics), 0) = 0 THEN
        RETURN;
    END IF;
    PERFORM metering.lock_counters(clinics);
    FOR change IN SELECT * FROM unnest(clinics, changes) AS t (clinic, amount) ORDER BY clinic LOOP
        PERFORM metering.count_more(change.clinic, counter, change.amount);
    END LOOP;
END
$$;

-- The same for seats: a person counts once, however often he is named.
CREATE FUNCTION metering.seat_changes(clinics uuid[], people bigint[], changes bigint[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    seats record;
BEGIN
    IF coalesce(cardinality(clinics), 0) = 0 THEN
        RETURN;
    END IF;
    PERFORM metering.lock_counters(clinics);
    FOR seats IN
        WITH asked AS (
            SELECT * FROM unnest(clinics, people, changes) AS t (clinic, person, change)
        ), joined AS (
            INSERT INTO metering.clinic_seat AS seat (clinic_id, user_id, refs)
            SELECT clinic, person, change FROM asked WHERE change > 0 ORDER BY clinic, person
            ON CONFLICT (clinic_id, user_id) DO UPDATE SET refs = seat.refs + excluded.refs
            RETURNING clinic_id, user_id, refs
        ), parted AS (
            UPDATE metering.clinic_seat AS seat SET refs = greatest(0, refs + change)
            FROM asked WHERE change < 0 AND clinic_id = clinic AND user_id = person
            RETURNING seat.clinic_id, seat.refs
        ), moved AS (
            SELECT clinic, 1 AS amount FROM joined
            JOIN asked ON clinic = clinic_id AND person = user_id WHERE refs = change
            UNION ALL
            SELECT clinic_id, -1 FROM parted WHERE refs = 0
        )
        SELECT clinic, sum(amount)::bigint AS amount FROM moved GROUP BY clinic ORDER BY clinic
    LOOP
        IF seats.amount <> 0 THEN
            PERFORM metering.count_more(seats.clinic, 'users', seats.amount);
        END IF;
    END LOOP;
    DELETE FROM metering.clinic_seat s USING unnest(clinics, people, changes) AS t (clinic, person, change)
    WHERE t.change < 0 AND s.clinic_id = t.clinic AND s.user_id = t.person AND s.refs = 0;
END
$$;
