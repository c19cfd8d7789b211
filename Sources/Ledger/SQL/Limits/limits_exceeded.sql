-- Clinics that hold more than their plan allows, by clinic_id: where the next insert is refused.
--   $1 rows at most, int
-- One row for each clinic and counter; reserved seats count as users. Reads every counter once;
-- locks nothing.
SELECT c.clinic_id, c.subdomain, held.counter, held.used, held.most
FROM metering.clinic_held k JOIN public.clinics c ON c.clinic_id = k.clinic_id
CROSS JOIN LATERAL (VALUES
    ('users', k.users + k.reserved, metering.plan_limit(k.clinic_id, 'users')),
    ('patients', k.patients, metering.plan_limit(k.clinic_id, 'patients')),
    ('storage', k.storage_bytes, metering.plan_limit(k.clinic_id, 'storage'))
) AS held (counter, used, most)
WHERE held.used > held.most
ORDER BY c.clinic_id, held.counter LIMIT $1::int
