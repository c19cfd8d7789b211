-- One counter per clinic that rises, under this row's lock, in every transaction that changes what
-- the clinic may do: its subscription, its plan, the clinic itself. A row outlives its clinic.
--   changed_xid  the transaction that raised it last. Commits happen in another order than numbers
--                are given, but no transaction below pg_snapshot_xmin is still open: reading from
--                there on misses none.
CREATE TABLE metering.clinic_config (
    clinic_id uuid PRIMARY KEY,
    bucket smallint NOT NULL GENERATED ALWAYS AS (metering.bucket(clinic_id)) STORED,
    config_version bigint NOT NULL DEFAULT 1
        CHECK (config_version BETWEEN 1 AND 9007199254740991),
    changed_xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX clinic_config_changed ON metering.clinic_config (changed_xid, clinic_id);
CREATE INDEX clinic_config_bucket ON metering.clinic_config (bucket, clinic_id);

CREATE FUNCTION metering.raise_config_version(clinics uuid[]) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    INSERT INTO metering.clinic_config AS known (clinic_id)
    SELECT DISTINCT clinic FROM unnest(clinics) AS clinic WHERE clinic IS NOT NULL ORDER BY clinic
    ON CONFLICT (clinic_id) DO UPDATE
    SET config_version = known.config_version + 1, changed_xid = pg_current_xact_id();
END;
REVOKE ALL ON FUNCTION metering.raise_config_version(uuid[]) FROM PUBLIC;
