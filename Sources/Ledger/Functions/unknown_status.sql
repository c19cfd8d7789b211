-- The text in metering.attention for an unknown payment_status.
CREATE OR REPLACE FUNCTION metering.unknown_status(stored text) RETURNS text
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format('payment_status %L is unknown: write one of the eight values', left(stored, 200))
$$;
REVOKE ALL ON FUNCTION metering.unknown_status FROM PUBLIC;
