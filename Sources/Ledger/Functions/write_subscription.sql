-- Writes a new subscription of a clinic, with the standing that was computed for it. Returns the
-- number of the event; NULL when the status stays.
--   renewing  false needs the column clinic_subscriptions.auto_renew (BQ006)
CREATE OR REPLACE FUNCTION metering.write_subscription(
    clinic uuid, new_plan int, first_day date, last_day date, renewing boolean, new_status text,
    why text, moved_at timestamptz, look_at timestamptz) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    held text;
    can_end boolean := EXISTS (SELECT FROM pg_attribute
        WHERE attrelid = 'public.clinic_subscriptions'::regclass AND attname = 'auto_renew'
          AND NOT attisdropped);
BEGIN
    IF NOT renewing AND NOT can_end THEN
        RAISE EXCEPTION 'clinic_subscriptions has no column auto_renew, which an end date needs'
            USING ERRCODE = 'BQ006', HINT = 'ALTER TABLE clinic_subscriptions'
                ' ADD COLUMN auto_renew boolean NOT NULL DEFAULT true';
    END IF;
    PERFORM metering.drop_plan_change(clinic);
    SELECT status INTO held FROM metering.standing WHERE clinic_id = clinic FOR UPDATE;
    INSERT INTO metering.standing (clinic_id, status, since, cause, next_at)
    VALUES (clinic, new_status, moved_at, why, look_at)
    ON CONFLICT (clinic_id) DO UPDATE SET status = excluded.status, since = excluded.since,
        cause = excluded.cause, unpaid_since = NULL, next_at = excluded.next_at;
    INSERT INTO public.clinic_subscriptions (clinic_id, plan_id, start_date, end_date,
        payment_status)
    VALUES (clinic, new_plan, first_day, last_day, new_status)
    ON CONFLICT (clinic_id) DO UPDATE SET plan_id = excluded.plan_id,
        start_date = excluded.start_date, end_date = excluded.end_date,
        payment_status = excluded.payment_status;
    IF can_end THEN
        EXECUTE 'UPDATE public.clinic_subscriptions SET auto_renew = $2'
            ' WHERE clinic_id = $1 AND auto_renew IS DISTINCT FROM $2' USING clinic, renewing;
    END IF;
    IF held IS NOT DISTINCT FROM new_status THEN
        RETURN NULL;
    END IF;
    RETURN metering.note_move(clinic, held, new_status, why, moved_at);
END
$$;
REVOKE ALL ON FUNCTION metering.write_subscription FROM PUBLIC;
GRANT EXECUTE ON FUNCTION metering.write_subscription TO billing_admin;
