-- What happened to subscriptions, where each stands, moves between plans, and the messages for the
-- team's own programs.

-- Things that happened, each once; rows are only added. The standing is computed from them.
--   at      when it happened; recorded_at is when it was reported
--   until   end of a trial or hold, day an invoice is due, day a cancellation takes effect
--   status  the status that was written (declared), or that was found at the start (legacy_status)
CREATE TABLE metering.subscription_fact (
    fact_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    clinic_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN (
        'subscribed', 'legacy_status', 'declared', 'charged', 'payment_failed', 'paid', 'reopened',
        'held', 'released', 'canceled', 'cancel_withdrawn')),
    at timestamptz NOT NULL,
    until timestamptz,
    invoice text CHECK (char_length(invoice) BETWEEN 1 AND 200),
    status text CHECK (status IN (
        'incomplete', 'trialing', 'active', 'past_due', 'suspended', 'paused',
        'canceled', 'expired')),
    awaits_payment boolean NOT NULL DEFAULT false,
    reason text NOT NULL CHECK (char_length(reason) BETWEEN 1 AND 500),
    idempotency_key text NOT NULL CHECK (char_length(idempotency_key) BETWEEN 1 AND 200),
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    recorded_by name NOT NULL DEFAULT session_user,
    UNIQUE (clinic_id, idempotency_key),
    CHECK ((status IS NOT NULL) = (kind IN ('legacy_status', 'declared'))),
    CHECK (until IS NOT NULL OR kind NOT IN ('charged', 'canceled')),
    CHECK (until IS NULL OR kind IN ('subscribed', 'charged', 'held', 'canceled')),
    CHECK (invoice IS NOT NULL OR kind <> 'charged'),
    CHECK (invoice IS NULL OR kind IN ('charged', 'payment_failed', 'paid', 'reopened'))
);
CREATE INDEX subscription_fact_clinic ON metering.subscription_fact (clinic_id, at);

-- Where each subscription stands. No row: the clinic has none, or its status is unknown.
--   next_at              when time alone may change it next; NULL when only a fact can
--   noticed_since, _day  the last notice: of which debt, and of which of its days
CREATE TABLE metering.standing (
    clinic_id uuid PRIMARY KEY,
    status text NOT NULL CHECK (status IN (
        'incomplete', 'trialing', 'active', 'past_due', 'suspended', 'paused',
        'canceled', 'expired')),
    since timestamptz NOT NULL,
    cause text NOT NULL CHECK (cause IN (
        'subscribed', 'declared', 'paid', 'unpaid', 'grace_ended', 'deadline_passed', 'trial_ended',
        'held', 'released', 'canceled', 'end_date_passed', 'first_payment_missing', 'restored')),
    unpaid_since timestamptz,
    next_at timestamptz,
    noticed_since timestamptz,
    noticed_day int
) WITH (fillfactor = 70);
CREATE INDEX standing_next ON metering.standing (next_at) WHERE next_at IS NOT NULL;

-- Each move from one status to another. audit_logs.entity_id names it by its number.
-- A clinic is suspended only after it was past due, unless the application wrote that status, or
-- the clinic comes back to it.
CREATE TABLE metering.subscription_event (
    event_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    clinic_id uuid NOT NULL,
    from_status text,
    to_status text NOT NULL,
    cause text NOT NULL,
    at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    recorded_by name NOT NULL DEFAULT session_user,
    CONSTRAINT subscription_event_moves CHECK (from_status IS DISTINCT FROM to_status AND (
        to_status <> 'suspended' OR from_status = 'past_due' OR cause IN ('declared', 'restored')))
);
CREATE INDEX subscription_event_clinic ON metering.subscription_event (clinic_id, event_id);

-- What the team's own programs act on: they send mail, make calls or block access; the worker does
-- not.
--   kind      'standing_changed', 'dunning_notice', 'plan_changed'
--   done_at   set by the program that has acted on it
CREATE TABLE metering.outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    clinic_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind ~ '^[a-z][a-z_]{0,39}$'),
    payload jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    done_at timestamptz
);
CREATE INDEX outbox_open ON metering.outbox (id) WHERE done_at IS NULL;

-- Moves of a clinic to another plan: requested, waiting for their day, done.
--   next_try  when a change that failed is tried again; NULL = its day decides
CREATE TABLE metering.plan_change (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    clinic_id uuid NOT NULL,
    from_plan int,
    to_plan int NOT NULL,
    effective_at timestamptz NOT NULL,
    reason text NOT NULL CHECK (char_length(reason) BETWEEN 1 AND 500),
    requested_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    requested_by name NOT NULL DEFAULT session_user,
    done_at timestamptz,
    dropped_at timestamptz,
    next_try timestamptz,
    CHECK (done_at IS NULL OR dropped_at IS NULL)
);
CREATE UNIQUE INDEX plan_change_waiting ON metering.plan_change (clinic_id)
    WHERE done_at IS NULL AND dropped_at IS NULL;

DO $$
DECLARE
    kept regclass;
BEGIN
    FOREACH kept IN ARRAY ARRAY['metering.subscription_fact', 'metering.standing',
        'metering.subscription_event', 'metering.outbox', 'metering.plan_change']::regclass[]
    LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', kept);
        EXECUTE format('CREATE POLICY readers ON %s FOR SELECT'
            ' TO metering_worker, billing_admin, billing_viewer USING (true)', kept);
        EXECUTE format('GRANT SELECT ON %s'
            ' TO metering_worker, billing_admin, billing_viewer', kept);
    END LOOP;
END
$$;
-- A program that has acted on a message marks it as done.
CREATE POLICY admin_acts ON metering.outbox FOR UPDATE TO billing_admin USING (true)
    WITH CHECK (true);
GRANT UPDATE (done_at) ON metering.outbox TO billing_admin;
