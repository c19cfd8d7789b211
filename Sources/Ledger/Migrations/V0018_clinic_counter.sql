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
-- Each number is the sum of all changes and may fall below 0 for a moment: a row that a trigger of the
-- team's deletes while it is being inserted is subtracted before it is added.
--   reserved  rows of seat_reservation; changed with each of them, so that a snapshot which cannot see
--             a reservation cannot have this row either
CREATE TABLE metering.clinic_counter (
    clinic_id uuid PRIMARY KEY,
    users bigint NOT NULL DEFAULT 0,
    patients bigint NOT NULL DEFAULT 0,
    storage_bytes bigint NOT NULL DEFAULT 0,
    reserved int NOT NULL DEFAULT 0
) WITH (fillfactor = 45);

-- A seat is a person: refs says in how many ways he belongs to the clinic (users, clinic_staff), and he
-- has a seat while it is above 0.
--   change  what the last statement added to refs: RETURNING shows a row only as it has become
CREATE TABLE metering.clinic_seat (
    clinic_id uuid NOT NULL,
    user_id bigint NOT NULL,
    refs int NOT NULL,
    change int NOT NULL,
    PRIMARY KEY (clinic_id, user_id)
) WITH (fillfactor = 70);

-- Seats kept free for people who were invited and have not come yet. Past "until" a row counts no more,
-- without anybody acting.
--   key  the invitation, in the application's words; unique in the clinic
CREATE TABLE metering.seat_reservation (
    clinic_id uuid NOT NULL,
    key text NOT NULL CHECK (char_length(key) BETWEEN 1 AND 200),
    until timestamptz NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (clinic_id, key)
);

-- Where the counter and the rows disagreed when they were counted again.
CREATE TABLE metering.counter_drift (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    clinic_id uuid NOT NULL,
    counter text NOT NULL CHECK (counter IN ('users', 'patients', 'storage')),
    kept bigint NOT NULL,
    counted bigint NOT NULL,
    found_at timestamptz NOT NULL DEFAULT now()
);

-- What a clinic holds now. The time is that of the reading, not of the transaction.
CREATE VIEW metering.clinic_held AS
SELECT c.clinic_id, c.users, CASE WHEN c.reserved > 0 THEN (
        SELECT count(*) FROM metering.seat_reservation r
        WHERE r.clinic_id = c.clinic_id AND r.until > clock_timestamp()
    ) ELSE 0 END AS reserved, c.patients, c.storage_bytes
FROM metering.clinic_counter c;

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

-- Locks the counters of these clinics in one order, making those that are missing first: who makes one
-- holds nothing that others wait for in that order. A single one has no order and is there as a rule.
-- Whoever holds them reads them as they are in his next statement: above READ COMMITTED a row that changed
-- since the snapshot cannot be locked (40001). Again where a recount removed one while this waited for it.
CREATE FUNCTION metering.lock_counters(clinics uuid[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wanted int := (SELECT count(DISTINCT clinic) FROM unnest(clinics) AS clinic);
    locked int;
    may_be_missing boolean := wanted > 1;
BEGIN
    LOOP
        IF may_be_missing THEN
            INSERT INTO metering.clinic_counter (clinic_id)
            SELECT DISTINCT clinic FROM unnest(clinics) AS clinic
            WHERE NOT EXISTS (SELECT FROM metering.clinic_counter c WHERE c.clinic_id = clinic)
            ORDER BY clinic
            ON CONFLICT (clinic_id) DO NOTHING;
        END IF;
        PERFORM FROM metering.clinic_counter WHERE clinic_id = ANY (clinics)
        ORDER BY clinic_id FOR NO KEY UPDATE;
        GET DIAGNOSTICS locked = ROW_COUNT;
        EXIT WHEN locked >= wanted;
        may_be_missing := true;
    END LOOP;
END
$$;

-- Refuses with BQ001 users, BQ002 patients, BQ003 storage.
CREATE FUNCTION metering.refuse_more(counter text, most bigint, used bigint, asked bigint)
    RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION 'the plan has no room for more %', counter
        USING ERRCODE = CASE counter
                WHEN 'users' THEN 'BQ001' WHEN 'patients' THEN 'BQ002' ELSE 'BQ003' END,
            DETAIL = json_build_object('limit', most, 'used', used, 'asked', asked)::text,
            HINT = 'Remove some, or move the clinic to a larger plan.';
END
$$;

-- Adds to one counter of one clinic that has room and no reservations; false where it is not as simple.
-- The conditional update locks, decides and counts at once, and most statements need no more.
--
-- A transaction that adds row by row leaves a version of the counter for each, and the key finds them all
-- before the last: 30,000 inserts took 15 s. So the place of the last version is kept for the rest of the
-- transaction. It is only a hint: whatever a caller writes there, the row must be the clinic's and be valid.
-- enable_seqscan: on a small table the planner would read all versions, and keep doing so.
CREATE FUNCTION metering.count_simply(counter text, clinic uuid, amount bigint, most bigint)
    RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET enable_seqscan = off
AS $$
DECLARE
    hint text := current_setting('metering.counter_place', true);
    place tid;
BEGIN
    IF hint ~ '^\([0-9]{1,9},[0-9]{1,4}\)$' THEN
        UPDATE metering.clinic_counter SET
            users = users + CASE counter WHEN 'users' THEN amount ELSE 0 END,
            patients = patients + CASE counter WHEN 'patients' THEN amount ELSE 0 END,
            storage_bytes = storage_bytes + CASE counter WHEN 'storage' THEN amount ELSE 0 END
        WHERE ctid = hint::tid AND clinic_id = clinic
          AND (most IS NULL OR amount <= most - CASE counter
              WHEN 'users' THEN users WHEN 'patients' THEN patients ELSE storage_bytes END)
          AND (reserved = 0 OR counter <> 'users')
        RETURNING ctid INTO place;
    END IF;
    IF place IS NULL THEN
        UPDATE metering.clinic_counter SET
            users = users + CASE counter WHEN 'users' THEN amount ELSE 0 END,
            patients = patients + CASE counter WHEN 'patients' THEN amount ELSE 0 END,
            storage_bytes = storage_bytes + CASE counter WHEN 'storage' THEN amount ELSE 0 END
        WHERE clinic_id = clinic
          AND (most IS NULL OR amount <= most - CASE counter
              WHEN 'users' THEN users WHEN 'patients' THEN patients ELSE storage_bytes END)
          AND (reserved = 0 OR counter <> 'users')
        RETURNING ctid INTO place;
    END IF;
    IF place IS NULL THEN
        RETURN false;
    END IF;
    PERFORM set_config('metering.counter_place', place::text, true);
    RETURN true;
END
$$;

-- Applies the changes of one statement, one entry for each clinic, or refuses all of them. What is read
-- under the locks stays true until COMMIT, at every isolation level. A clinic that is over its plan can
-- take away; only who adds is asked.
CREATE FUNCTION metering.count_changes(counter text, clinics uuid[], changes bigint[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    is_limited boolean;
    full_one record;
BEGIN
    IF coalesce(cardinality(clinics), 0) = 0 THEN
        RETURN;
    END IF;
    is_limited := 0 < ANY (changes) AND (SELECT enforced FROM metering.limit_mode);
    IF cardinality(clinics) = 1 AND metering.count_simply(counter, clinics[1], changes[1],
        CASE WHEN is_limited THEN metering.plan_limit(clinics[1], counter) END)
    THEN
        RETURN;
    END IF;
    PERFORM metering.lock_counters(clinics);
    IF is_limited THEN
        SELECT * INTO full_one FROM (
            SELECT asked.clinic, asked.amount, metering.plan_limit(asked.clinic, counter) AS most,
                CASE counter WHEN 'users' THEN held.users + held.reserved
                    WHEN 'patients' THEN held.patients ELSE held.storage_bytes END AS used
            FROM unnest(clinics, changes) AS asked (clinic, amount)
            JOIN metering.clinic_held held ON held.clinic_id = asked.clinic
            WHERE asked.amount > 0
        ) AS room
        WHERE room.amount > room.most - room.used ORDER BY room.clinic LIMIT 1;
        IF FOUND THEN
            PERFORM metering.refuse_more(
                counter, full_one.most, full_one.used, full_one.amount);
        END IF;
    END IF;
    UPDATE metering.clinic_counter c SET
        users = users + CASE counter WHEN 'users' THEN amount ELSE 0 END,
        patients = patients + CASE counter WHEN 'patients' THEN amount ELSE 0 END,
        storage_bytes = storage_bytes + CASE counter WHEN 'storage' THEN amount ELSE 0 END
    FROM unnest(clinics, changes) AS asked (clinic, amount) WHERE c.clinic_id = asked.clinic;
END
$$;

-- The same for seats: a person counts once, however often he is named. Each person once in the arrays.
CREATE FUNCTION metering.seat_changes(clinics uuid[], people bigint[], changes bigint[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    moved uuid[];
    seats bigint[];
BEGIN
    IF coalesce(cardinality(clinics), 0) = 0 THEN
        RETURN;
    END IF;
    -- The counters' locks stand for those of the seats.
    PERFORM metering.lock_counters(ARRAY(SELECT DISTINCT clinic FROM unnest(clinics) AS clinic));
    WITH named AS (
        INSERT INTO metering.clinic_seat AS seat (clinic_id, user_id, refs, change)
        SELECT clinic, person, amount, amount
        FROM unnest(clinics, people, changes) AS asked (clinic, person, amount)
        ON CONFLICT (clinic_id, user_id) DO UPDATE
        SET refs = seat.refs + excluded.refs, change = excluded.change
        RETURNING clinic_id, refs, change
    ), taken AS (
        SELECT clinic_id, sum((refs > 0)::int - (refs - change > 0)::int)::bigint AS amount
        FROM named GROUP BY clinic_id
    )
    SELECT array_agg(clinic_id), array_agg(amount) INTO moved, seats
    FROM taken WHERE amount <> 0;
    DELETE FROM metering.clinic_seat s USING unnest(clinics, people, changes)
        AS asked (clinic, person, amount)
    WHERE asked.amount < 0 AND s.clinic_id = asked.clinic AND s.user_id = asked.person
      AND s.refs = 0;
    PERFORM metering.count_changes('users', moved, seats);
END
$$;
