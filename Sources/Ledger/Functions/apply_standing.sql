-- Stores what an evaluation found. Call it with the standing locked, after reading it. Returns the
-- number of the event; NULL when the status stays.
--   open_since  since when a debt is open      look_at  when to evaluate again without a new fact
CREATE OR REPLACE FUNCTION metering.apply_standing(
    clinic uuid, new_status text, why text, moved_at timestamptz, open_since timestamptz,
    look_at timestamptz) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    held text;
BEGIN
    SELECT status INTO held FROM metering.standing WHERE clinic_id = clinic FOR UPDATE;
    IF held = new_status THEN
        UPDATE metering.standing SET unpaid_since = open_since, next_at = look_at
        WHERE clinic_id = clinic
          AND (unpaid_since, next_at) IS DISTINCT FROM (open_since, look_at);
        RETURN NULL;
    END IF;
    INSERT INTO metering.standing (clinic_id, status, since, cause, unpaid_since, next_at)
    VALUES (clinic, new_status, moved_at, why, open_since, look_at)
    ON CONFLICT (clinic_id) DO UPDATE SET status = excluded.status, since = excluded.since,
        cause = excluded.cause, unpaid_since = excluded.unpaid_since, next_at = excluded.next_at;
    UPDATE public.clinic_subscriptions SET payment_status = new_status WHERE clinic_id = clinic;
    RETURN metering.note_move(clinic, held, new_status, why, moved_at);
END
$$;
REVOKE ALL ON FUNCTION metering.apply_standing FROM PUBLIC;
GRANT EXECUTE ON FUNCTION metering.apply_standing TO metering_worker, billing_admin;
