-- Everything that decides what clinics may do now, as one snapshot. No row for an unknown clinic.
--   $1 clinics uuid[]      $2 month date (its first day)
-- config_version is 0 for a clinic whose version was never raised. plan_version and features are
-- those of the newest version that was not refused; problem is the error of a newer one; quota and
-- next_quota are in units, −1 = unlimited. epochs and units belong together: net cost units of the
-- month by epoch; adjustments is the signed sum of the month's corrections, less what resets of
-- the quota took off, cost units. The override lists belong together: what runs now;
-- amounts are units, or units per period of `pers` µs.
-- Uses the primary keys, usage_adjustment_month, quota_reset_month and clinic_override_open. Locks
-- nothing.
SELECT c.clinic_id, coalesce(v.config_version, 0) AS config_version, s.payment_status, p.plan_id,
    p.name AS plan, promised.version AS plan_version, promised.features, promised.problem,
    promised.quota, promised.next_quota, ledger.epochs, ledger.units,
    corrections.units AS adjustments,
    overrides.whats, overrides.amounts, overrides.pers, overrides.bursts, overrides.untils
FROM unnest($1::uuid[]) AS given (clinic_id)
JOIN public.clinics c ON c.clinic_id = given.clinic_id
LEFT JOIN metering.clinic_terms v ON v.clinic_id = c.clinic_id
LEFT JOIN public.clinic_subscriptions s ON s.clinic_id = c.clinic_id
LEFT JOIN public.subscription_plans p ON p.plan_id = s.plan_id
LEFT JOIN LATERAL metering.plan_in_force(c.clinic_id, p.plan_id, $2::date) AS promised
    ON p.plan_id IS NOT NULL
CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(u.epoch ORDER BY u.epoch), '{}') AS epochs,
        coalesce(array_agg(u.used - u.credited ORDER BY u.epoch), '{}') AS units
    FROM metering.usage_checkpoint u
    WHERE u.month = $2::date AND u.bucket = metering.bucket(c.clinic_id)
      AND u.clinic_id = c.clinic_id
) AS ledger
CROSS JOIN LATERAL (
    SELECT (coalesce(sum(a.units), 0) - coalesce((
        SELECT sum(r.units) FROM metering.quota_reset r
        WHERE r.month = $2::date AND r.clinic_id = c.clinic_id), 0))::bigint AS units
    FROM metering.usage_adjustment a
    WHERE a.month = $2::date AND a.bucket = metering.bucket(c.clinic_id)
      AND a.clinic_id = c.clinic_id
) AS corrections
CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(o.what ORDER BY o.id), '{}') AS whats,
        coalesce(array_agg(coalesce(o.value, o.rate) ORDER BY o.id), '{}') AS amounts,
        coalesce(array_agg(coalesce(o.per, 0) ORDER BY o.id), '{}') AS pers,
        coalesce(array_agg(coalesce(o.burst, 0) ORDER BY o.id), '{}') AS bursts,
        coalesce(array_agg(o.until ORDER BY o.id), '{}') AS untils
    FROM metering.clinic_override o
    WHERE o.clinic_id = c.clinic_id AND o.ended_at IS NULL AND o.until > now()
) AS overrides
