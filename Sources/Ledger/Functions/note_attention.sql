-- Records a finding, in its open row when there is one.
--   about   the kind      which   which of its kind, 200 characters      what   the detail, 500
--           characters
CREATE OR REPLACE FUNCTION metering.note_attention(about text, clinic uuid, which text, what text)
    RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    INSERT INTO metering.attention AS open (kind, clinic_id, subject, detail)
    VALUES (about, clinic, left(which, 200), left(what, 500))
    ON CONFLICT (kind, clinic_id, subject) WHERE resolved_at IS NULL
    DO UPDATE SET detail = excluded.detail, times = open.times + 1, last_seen = now();
END;
REVOKE ALL ON FUNCTION metering.note_attention FROM PUBLIC;
GRANT EXECUTE ON FUNCTION metering.note_attention TO metering_worker, billing_admin;
