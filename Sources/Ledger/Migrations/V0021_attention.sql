-- What somebody should look at: one open row for each thing, however often it is found again.
--   kind         what is the matter, a fixed word: 'unknown_status', 'refused_plan', …
--   clinic_id    whom it is about; NULL when it is about no single clinic
--   subject      which of its kind: the unknown word, the plan's number; '' when there is one at most
--   resolved_at  when it was gone; a row is kept, a later finding gets its own
CREATE TABLE metering.attention (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CHECK (kind ~ '^[a-z][a-z_]{0,39}$'),
    clinic_id uuid,
    subject text NOT NULL DEFAULT '' CHECK (char_length(subject) <= 200),
    detail text NOT NULL CHECK (char_length(detail) BETWEEN 1 AND 500),
    times bigint NOT NULL DEFAULT 1,
    first_seen timestamptz NOT NULL DEFAULT now(),
    last_seen timestamptz NOT NULL DEFAULT now(),
    resolved_at timestamptz
);
CREATE UNIQUE INDEX attention_open ON metering.attention (kind, clinic_id, subject) NULLS NOT DISTINCT
    WHERE resolved_at IS NULL;

-- Notes that something was found, at its row when one is open.
CREATE FUNCTION metering.note_attention(about text, clinic uuid, which text, what text) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    INSERT INTO metering.attention AS open (kind, clinic_id, subject, detail)
    VALUES (about, clinic, left(which, 200), left(what, 500))
    ON CONFLICT (kind, clinic_id, subject) WHERE resolved_at IS NULL
    DO UPDATE SET detail = excluded.detail, times = open.times + 1, last_seen = now();
END;

-- Notes that it is gone; nothing when no row is open.
CREATE FUNCTION metering.resolve_attention(about text, clinic uuid, which text) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    UPDATE metering.attention SET resolved_at = now()
    WHERE kind = about AND clinic_id IS NOT DISTINCT FROM clinic AND subject = left(which, 200)
      AND resolved_at IS NULL;
END;

ALTER TABLE metering.attention ENABLE ROW LEVEL SECURITY;
CREATE POLICY readers ON metering.attention FOR SELECT TO metering_worker, billing_admin
    USING (true);
GRANT SELECT ON metering.attention TO metering_worker, billing_admin;
REVOKE ALL ON FUNCTION metering.note_attention(text, uuid, text, text),
    metering.resolve_attention(text, uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION metering.note_attention(text, uuid, text, text),
    metering.resolve_attention(text, uuid, text) TO metering_worker, billing_admin;
