-- The facts that count: those since the latest start of the subscription, and future ones.
--   $1 clinic uuid      $2 now timestamptz      $3 rows at most, int
-- Uses subscription_fact_clinic. Locks nothing.
SELECT fact_id, kind, at, until, invoice, status, awaits_payment, reason, recorded_by
FROM metering.subscription_fact
WHERE clinic_id = $1::uuid AND at >= coalesce((
    SELECT max(b.at) FROM metering.subscription_fact b
    WHERE b.clinic_id = $1::uuid AND b.kind IN ('subscribed', 'declared', 'legacy_status')
      AND b.at <= $2::timestamptz), '-infinity')
ORDER BY at, fact_id LIMIT $3::bigint
