-- Before a row of clinic_subscriptions is stored: replaces a known old status by the current one.
-- Another value passes, so that statements of the team that worked before keep working; where the
-- table has its CHECK, that refuses it. It sees what the team's BEFORE triggers wrote that sort
-- before it by name. What a later one writes is stored unchanged, and subscription_written still
-- adopts it.
CREATE OR REPLACE FUNCTION metering.adopt_status() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    NEW.payment_status := coalesce(metering.standing_status(NEW.payment_status),
        NEW.payment_status);
    RETURN NEW;
END
$$;
REVOKE ALL ON FUNCTION metering.adopt_status FROM PUBLIC;
