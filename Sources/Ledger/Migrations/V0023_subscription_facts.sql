-- What happened to subscriptions, where each stands, and what the team's own programs are told.

-- Things that happened, each once; nothing here is ever changed. The standing is computed from them.
--   at      when it happened; recorded_at is when it was told
--   until   end of a trial or hold, day an invoice is due, day a cancellation takes effect
--   status  the word that somebody wrote (declared), or that was there at the beginning (legacy_status)
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
        'incomplete', 'trialing', 'active', 'past_due', 'suspended', 'paused', 'canceled', 'expired')),
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

-- Where each subscription stands. No row: the clinic has none, or a word that nobody knows.
--   next_at              when time alone may change it next; NULL when only a fact can
--   noticed_since, _day  the last notice that was given: of which debt, and of which of its days
CREATE TABLE metering.standing (
    clinic_id uuid PRIMARY KEY,
    status text NOT NULL CHECK (status IN (
        'incomplete', 'trialing', 'active', 'past_due', 'suspended', 'paused', 'canceled', 'expired')),
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

-- Each move from one status to another. Its number is what audit_logs.entity_id names.
-- A clinic is suspended only after it was past due, unless somebody wrote the word himself, or it comes back to it.
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

-- What the team's own programs act on: they mail, call, or lock a door; we do none of that.
--   kind      'standing_changed', 'dunning_notice', 'plan_changed'
--   done_at   set by whoever has acted on it
CREATE TABLE metering.outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    clinic_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind ~ '^[a-z][a-z_]{0,39}$'),
    payload jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    done_at timestamptz
);
CREATE INDEX outbox_open ON metering.outbox (id) WHERE done_at IS NULL;

-- The status that a stored word stands for; NULL for one that nobody knows. The program says the same
-- (PaymentStatus.init(stored:)). No SET clause: reports read it a million times, and the planner sees through.
CREATE FUNCTION metering.standing_word(word text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE lower(btrim(word))
        WHEN 'paid' THEN 'active' WHEN 'pending' THEN 'incomplete' WHEN 'unpaid' THEN 'past_due'
        WHEN 'overdue' THEN 'past_due' WHEN 'trial' THEN 'trialing' WHEN 'cancelled' THEN 'canceled'
        WHEN 'blocked' THEN 'suspended'
        WHEN 'incomplete' THEN 'incomplete' WHEN 'trialing' THEN 'trialing' WHEN 'active' THEN 'active'
        WHEN 'past_due' THEN 'past_due' WHEN 'suspended' THEN 'suspended' WHEN 'paused' THEN 'paused'
        WHEN 'canceled' THEN 'canceled' WHEN 'expired' THEN 'expired' END;
END;

-- Writes a line into the team's audit log. A log that refuses it must not stop the team's own statement:
-- somebody has to look.
CREATE FUNCTION metering.audit(clinic uuid, what text, entity text, entity_number bigint, more jsonb)
    RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO public.audit_logs (clinic_id, action, entity_type, entity_id, details)
    VALUES (clinic, what, entity, entity_number, more || jsonb_build_object('by', session_user));
EXCEPTION WHEN OTHERS THEN
    PERFORM metering.note_attention('audit_refused', clinic, entity,
        format('audit_logs refused %s %s (SQLSTATE %s)', entity, entity_number, SQLSTATE));
END
$$;

-- Records one move: the event, its line in the audit log, and the message in the outbox.
CREATE FUNCTION metering.note_move(
    clinic uuid, old_status text, new_status text, why text, moved_at timestamptz) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    event bigint;
    told jsonb;
BEGIN
    INSERT INTO metering.subscription_event (clinic_id, from_status, to_status, cause, at)
    VALUES (clinic, old_status, new_status, why, moved_at) RETURNING event_id INTO event;
    told := jsonb_build_object('clinic_id', clinic, 'event_id', event, 'from', old_status,
        'to', new_status, 'cause', why, 'at', moved_at);
    PERFORM metering.audit(clinic, 'standing_changed', 'subscription_event', event, told);
    INSERT INTO metering.outbox (clinic_id, kind, payload) VALUES (clinic, 'standing_changed', told);
    RETURN event;
END
$$;
