-- The reach of a plan: its clinics, 20 of their names, and how many hold more than the limits.
--   $1 plan_id int      $2 max_users bigint      $3 max_patients bigint      $4 bytes bigint
--   $5 units of a month bigint
-- Each limit −1 = unlimited. An override takes precedence over the limit. over_quota compares with
-- the running month, as far as it is rolled up. Reads every clinic of the plan once; locks nothing.
SELECT count(*) AS clinics,
    coalesce((array_agg(own.name ORDER BY own.name COLLATE "C"))[1:20], '{}') AS names,
    count(*) FILTER (WHERE own.users > own.most_users) AS over_users,
    count(*) FILTER (WHERE own.patients > own.most_patients) AS over_patients,
    count(*) FILTER (WHERE own.bytes > own.most_bytes) AS over_storage,
    count(*) FILTER (WHERE own.units > own.most_units) AS over_quota
FROM (
    SELECT coalesce(c.subdomain, s.clinic_id::text) AS name, k.users, k.patients,
        k.storage_bytes AS bytes, u.api_calls AS units,
        nullif(coalesce(o.users, $2::bigint), -1) AS most_users,
        nullif(coalesce(o.patients, $3::bigint), -1) AS most_patients,
        nullif(coalesce(o.bytes, $4::bigint), -1) AS most_bytes,
        nullif(coalesce(o.units, $5::bigint), -1) AS most_units
    FROM public.clinic_subscriptions s
    JOIN public.clinics c ON c.clinic_id = s.clinic_id
    LEFT JOIN metering.clinic_counter k ON k.clinic_id = s.clinic_id
    LEFT JOIN public.api_usage u ON u.clinic_id = s.clinic_id
        AND u.month = date_trunc('month', now() AT TIME ZONE 'UTC')::date
    CROSS JOIN LATERAL (
        SELECT max(value) FILTER (WHERE what = 'users') AS users,
            max(value) FILTER (WHERE what = 'patients') AS patients,
            max(value) FILTER (WHERE what = 'storage') AS bytes,
            max(value) FILTER (WHERE what = 'quota') AS units
        FROM metering.clinic_override
        WHERE clinic_id = s.clinic_id AND ended_at IS NULL AND until > now()
    ) AS o
    WHERE s.plan_id = $1::int
) AS own
