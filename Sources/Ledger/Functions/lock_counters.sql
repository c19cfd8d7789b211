-- Locks the counters of these clinics in one order. Missing ones are created first: a transaction
-- that creates one holds nothing that others wait for in that order. A single counter needs no
-- order and usually exists. The caller reads the locked rows in its next statement: above READ
-- COMMITTED a row that changed since the snapshot cannot be locked (40001). Locks again where a
-- recount removed a row while this waited for it.
CREATE OR REPLACE FUNCTION metering.lock_counters(clinics uuid[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wanted int := (SELECT count(DISTINCT clinic) FROM unnest(clinics) AS clinic);
    locked int;
    may_be_missing boolean := wanted > 1;
BEGIN
    LOOP
        IF may_be_missing THEN
            INSERT INTO metering.clinic_counter (clinic_id)
            SELECT DISTINCT clinic FROM unnest(clinics) AS clinic
            WHERE NOT EXISTS (SELECT FROM metering.clinic_counter c WHERE c.clinic_id = clinic)
            ORDER BY clinic
            ON CONFLICT (clinic_id) DO NOTHING;
        END IF;
        PERFORM FROM metering.clinic_counter WHERE clinic_id = ANY (clinics)
        ORDER BY clinic_id FOR NO KEY UPDATE;
        GET DIAGNOSTICS locked = ROW_COUNT;
        EXIT WHEN locked >= wanted;
        may_be_missing := true;
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION metering.lock_counters FROM PUBLIC;
