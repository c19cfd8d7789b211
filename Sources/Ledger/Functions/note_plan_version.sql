-- Records a version of each plan that a statement inserted or changed, and resolves findings about
-- deleted ones. A version with a problem is kept and never used.
CREATE OR REPLACE FUNCTION metering.note_plan_version() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    edited record;
    fault text;
BEGIN
    IF TG_OP = 'DELETE' THEN
        PERFORM metering.resolve_attention('refused_plan', NULL, o.plan_id::text) FROM old_rows o;
        RETURN NULL;
    END IF;
    FOR edited IN
        SELECT n.plan_id, n.name, coalesce(n.max_users, -1) AS max_users,
            coalesce(n.max_patients, -1) AS max_patients, n.features -> 'metering' AS features,
            coalesce(latest.version, 0) + 1 AS version
        FROM new_rows n LEFT JOIN LATERAL (
            SELECT v.version, v.features, v.max_users, v.max_patients FROM metering.plan_version v
            WHERE v.plan_id = n.plan_id ORDER BY v.version DESC LIMIT 1
        ) AS latest ON true
        WHERE latest.version IS NULL OR (n.features -> 'metering', coalesce(n.max_users, -1),
                coalesce(n.max_patients, -1))
            IS DISTINCT FROM (latest.features, latest.max_users, latest.max_patients)
        ORDER BY n.plan_id
    LOOP
        fault := coalesce(metering.plan_problem(edited.features),
            CASE WHEN edited.max_users < -1 THEN 'max_users is below -1'
                WHEN edited.max_patients < -1 THEN 'max_patients is below -1' END);
        INSERT INTO metering.plan_version
            (plan_id, version, features, max_users, max_patients, valid, problem)
        VALUES (edited.plan_id, edited.version, edited.features, edited.max_users,
            edited.max_patients,
            fault IS NULL, left(fault, 500));
        -- The dunning schedule may have changed.
        UPDATE metering.standing h SET next_at = least(h.next_at, clock_timestamp())
        FROM public.clinic_subscriptions s
        WHERE s.clinic_id = h.clinic_id AND s.plan_id = edited.plan_id
            AND h.unpaid_since IS NOT NULL;
        IF fault IS NULL THEN
            PERFORM metering.resolve_attention('refused_plan', NULL, edited.plan_id::text);
        ELSE
            PERFORM metering.note_attention('refused_plan', NULL, edited.plan_id::text,
                format('plan %s, version %s: %s', edited.name, edited.version, fault));
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION metering.note_plan_version FROM PUBLIC;
