-- The users, patients and storage that clinics hold, and what their plans allow. No row for an
-- unknown clinic.
--   $1 clinics uuid[]
-- NULL limit = unlimited; storage in bytes; seats that are reserved count as users. Uses the
-- primary keys; locks nothing.
SELECT c.clinic_id, m.enforced, s.plan_id IS NOT NULL AS has_plan,
    greatest(0, coalesce(h.users, 0)) + coalesce(h.reserved, 0) AS users,
    metering.plan_limit(c.clinic_id, 'users') AS users_limit,
    greatest(0, coalesce(h.patients, 0)) AS patients,
    metering.plan_limit(c.clinic_id, 'patients') AS patients_limit,
    greatest(0, coalesce(h.storage_bytes, 0)) AS storage,
    metering.plan_limit(c.clinic_id, 'storage') AS storage_limit
FROM unnest($1::uuid[]) AS given (clinic_id)
JOIN public.clinics c ON c.clinic_id = given.clinic_id
CROSS JOIN metering.limit_mode m
LEFT JOIN public.clinic_subscriptions s ON s.clinic_id = c.clinic_id
LEFT JOIN metering.clinic_held h ON h.clinic_id = c.clinic_id
