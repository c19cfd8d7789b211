-- Overrides in force, of one clinic or of all, by clinic and kind.
--   $1 clinic uuid, or NULL for all
-- Uses clinic_override_open. Locks nothing.
SELECT o.id, o.clinic_id, c.subdomain, o.what, o.value, o.rate, o.per, o.burst, o.until, o.reason,
    o.created_by::text AS created_by, o.created_at
FROM metering.clinic_override o LEFT JOIN public.clinics c ON c.clinic_id = o.clinic_id
WHERE ($1::uuid IS NULL OR o.clinic_id = $1::uuid) AND o.ended_at IS NULL AND o.until > now()
ORDER BY o.clinic_id, o.what
