-- What the database itself counts of each clinic: seats, patients and bytes of files.

-- mode observe counts and reports; mode enforce also refuses what exceeds the plan. An application
-- that ran without limits starts by observing; a new database enforces.
CREATE TABLE metering.limit_mode (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    enforced boolean NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now(),
    changed_by name NOT NULL DEFAULT session_user
);
INSERT INTO metering.limit_mode (enforced)
SELECT EXISTS (SELECT FROM metering.installation WHERE kind = 'new')
    AND NOT EXISTS (SELECT FROM public.clinics);

-- One row per clinic. Every transaction that adds or removes locks it: this lock is the order
-- between them.
-- Each number is the sum of all changes and may fall below 0 for a moment: when a trigger of the
-- team deletes a row while it is being inserted, the row is subtracted before it is added.
--   reserved  rows of seat_reservation; changed with each of them, so that a snapshot which cannot
--             see a reservation cannot have this row either
CREATE TABLE metering.clinic_counter (
    clinic_id uuid PRIMARY KEY,
    users bigint NOT NULL DEFAULT 0,
    patients bigint NOT NULL DEFAULT 0,
    storage_bytes bigint NOT NULL DEFAULT 0,
    reserved int NOT NULL DEFAULT 0
) WITH (fillfactor = 45);

-- A seat is a person: refs says in how many ways the person belongs to the clinic (users,
-- clinic_staff).
-- A person has a seat while it is above 0.
--   change  what the last statement added to refs: RETURNING shows a row only as it has become
CREATE TABLE metering.clinic_seat (
    clinic_id uuid NOT NULL,
    user_id bigint NOT NULL,
    refs int NOT NULL,
    change int NOT NULL,
    PRIMARY KEY (clinic_id, user_id)
) WITH (fillfactor = 70);

-- Seats kept free for people who were invited and have not come yet. Past "until" a row counts no
-- more, without any job.
--   key  the invitation, chosen by the application; unique in the clinic
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

DO $$
DECLARE
    kept regclass;
BEGIN
    FOREACH kept IN ARRAY ARRAY['metering.limit_mode', 'metering.clinic_counter',
        'metering.clinic_seat', 'metering.seat_reservation', 'metering.counter_drift']::regclass[]
    LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', kept);
        EXECUTE format('CREATE POLICY readers ON %s FOR SELECT'
            ' TO metering_worker, billing_admin, billing_viewer USING (true)', kept);
        EXECUTE format('GRANT SELECT ON %s'
            ' TO metering_worker, billing_admin, billing_viewer', kept);
    END LOOP;
END
$$;
CREATE POLICY admin_changes ON metering.limit_mode FOR UPDATE TO billing_admin
    USING (true) WITH CHECK (true);
GRANT UPDATE (enforced, changed_at, changed_by) ON metering.limit_mode TO billing_admin;
