-- Records when a clinic moved to its plan.
CREATE OR REPLACE FUNCTION metering.note_plan_move() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO metering.clinic_plan AS held (clinic_id, plan_id)
    SELECT clinic_id, plan_id FROM new_rows ORDER BY clinic_id
    ON CONFLICT (clinic_id) DO UPDATE SET plan_id = excluded.plan_id, since = excluded.since
    WHERE held.plan_id IS DISTINCT FROM excluded.plan_id;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION metering.note_plan_move FROM PUBLIC;
