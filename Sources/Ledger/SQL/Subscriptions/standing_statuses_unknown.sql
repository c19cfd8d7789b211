-- Values of payment_status that are unknown, most used first.
--   $1 rows at most, int
-- Reads clinic_subscriptions. Locks nothing.
SELECT coalesce(payment_status::text, '') AS value, count(*) AS clinics
    FROM public.clinic_subscriptions
WHERE metering.standing_status(payment_status) IS NULL
GROUP BY payment_status ORDER BY clinics DESC, value LIMIT $1::bigint
