-- Everything that decides what clinics may do now, as one snapshot. No row for an unknown clinic.
--   $1 clinics uuid[]      $2 month date (its first day)
-- config_version is 0 for a clinic whose version was never raised. epochs and units belong together:
-- net cost units of the month by epoch; adjustments is their signed sum, cost units.
-- Uses the primary keys and usage_adjustment_month. Locks nothing.
SELECT c.clinic_id, coalesce(v.config_version, 0) AS config_version, s.payment_status, p.plan_id,
    p.name AS plan, (p.features -> 'metering')::text AS features, ledger.epochs, ledger.units,
    corrections.units AS adjustments
FROM unnest($1::uuid[]) AS asked (clinic_id)
JOIN public.clinics c ON c.clinic_id = asked.clinic_id
LEFT JOIN metering.clinic_config v ON v.clinic_id = c.clinic_id
LEFT JOIN public.clinic_subscriptions s ON s.clinic_id = c.clinic_id
LEFT JOIN public.subscription_plans p ON p.plan_id = s.plan_id
CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(u.epoch ORDER BY u.epoch), '{}') AS epochs,
        coalesce(array_agg(u.used - u.credited ORDER BY u.epoch), '{}') AS units
    FROM metering.usage_checkpoint u
    WHERE u.month = $2::date AND u.bucket = metering.bucket(c.clinic_id)
      AND u.clinic_id = c.clinic_id
) AS ledger
CROSS JOIN LATERAL (
    SELECT coalesce(sum(a.units), 0)::bigint AS units FROM metering.usage_adjustment a
    WHERE a.month = $2::date AND a.bucket = metering.bucket(c.clinic_id)
      AND a.clinic_id = c.clinic_id
) AS corrections
