-- Resolves a finding; does nothing when no row is open.
CREATE OR REPLACE FUNCTION metering.resolve_attention(about text, clinic uuid, which text)
    RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    UPDATE metering.attention SET resolved_at = now()
    WHERE kind = about AND clinic_id IS NOT DISTINCT FROM clinic AND subject = left(which, 200)
      AND resolved_at IS NULL;
END;
REVOKE ALL ON FUNCTION metering.resolve_attention FROM PUBLIC;
GRANT EXECUTE ON FUNCTION metering.resolve_attention TO metering_worker, billing_admin;
