-- What a clinic may have: its override, else its plan; NULL is unlimited, and so is no
-- subscription. Storage is that of the plan's newest good version. The body is text, so that it
-- does not block the team's own ALTER TABLE.
--   counter  users, patients or storage
CREATE OR REPLACE FUNCTION metering.plan_limit(clinic uuid, counter text) RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT nullif(coalesce(
        (SELECT o.value FROM metering.clinic_override o
         WHERE o.clinic_id = clinic AND o.what = counter AND o.ended_at IS NULL
             AND o.until > now()),
        (SELECT CASE counter
            WHEN 'users' THEN p.max_users
            WHEN 'patients' THEN p.max_patients
            ELSE (SELECT metering.plan_amount(v.features, 'storage_bytes')
                FROM metering.plan_version v WHERE v.plan_id = p.plan_id AND v.valid
                ORDER BY v.version DESC LIMIT 1) END
         FROM public.clinic_subscriptions s
             JOIN public.subscription_plans p ON p.plan_id = s.plan_id
         WHERE s.clinic_id = clinic)), -1)
$$;
REVOKE ALL ON FUNCTION metering.plan_limit FROM PUBLIC;
GRANT EXECUTE ON FUNCTION metering.plan_limit TO metering_worker, billing_admin, billing_viewer;
