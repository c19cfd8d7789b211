-- Adds a clinic; returns its id, and whether it is new: a clinic of this name and subdomain that is
-- there already is returned. Refuses a subdomain that another clinic has (BQ008).
CREATE OR REPLACE FUNCTION metering.add_clinic(
    full_name text, short_name text, OUT clinic uuid, OUT is_new boolean)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    same boolean;
BEGIN
    -- One at a time for each subdomain, because an attached table may lack the unique index.
    PERFORM pg_advisory_xact_lock(hashtextextended('metering.add_clinic ' || short_name, 0));
    SELECT c.clinic_id, c.name = full_name INTO clinic, same FROM public.clinics c
    WHERE c.subdomain = short_name ORDER BY c.clinic_id LIMIT 1;
    is_new := NOT FOUND;
    IF NOT is_new THEN
        IF NOT same THEN
            RAISE EXCEPTION 'another clinic has this subdomain'
                USING ERRCODE = 'BQ008', HINT = 'see billing clinics show, or give another one';
        END IF;
        RETURN;
    END IF;
    INSERT INTO public.clinics (clinic_id, name, subdomain)
    VALUES (gen_random_uuid(), full_name, short_name) RETURNING clinic_id INTO clinic;
    -- A clinic has no number: clinic_id names it.
    PERFORM metering.audit(clinic, 'clinic_added', 'clinic', 0, jsonb_build_object(
        'name', full_name, 'subdomain', short_name));
END
$$;
REVOKE ALL ON FUNCTION metering.add_clinic FROM PUBLIC;
GRANT EXECUTE ON FUNCTION metering.add_clinic TO billing_admin;
