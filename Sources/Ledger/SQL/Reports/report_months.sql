-- Thirteen months up to one, none before 1970, each summed, the latest last, in the order of
-- ReportMonth's fields.
--   $1 month date                $2 clinic uuid, or NULL for all
--   $3 plan names text[]
--   $4 values of payment_status text[]; 'none' = no subscription; NULL = any
--   $5 only clinics at or above this percentage of a limit in month $1, bigint, or NULL
--   $6 only clinics with a finding in month $1, boolean
--   $7 whether one of $2 to $6 is given, boolean: when false, no clinic is looked up
-- A sum beyond bigint becomes its bound. Uses metering_api_usage_month. Locks nothing.
SELECT m.month::date AS month, coalesce(u.clinics, 0) AS clinics,
    coalesce(u.api_calls, 0) AS api_calls, coalesce(u.storage_used, 0) AS storage_used
FROM generate_series(greatest($1::date - interval '12 months', '1970-01-01'), $1::date,
    interval '1 month') AS m (month)
LEFT JOIN (
    SELECT a.month, count(*) AS clinics,
        least(sum(a.api_calls), 9223372036854775807)::bigint AS api_calls,
        least(sum(a.storage_used), 9223372036854775807)::bigint AS storage_used
    FROM public.api_usage a
    WHERE a.month BETWEEN ($1::date - interval '12 months')::date AND $1::date
      AND (NOT $7::boolean OR a.clinic_id IN (
        SELECT r.clinic_id FROM metering.report(
            $1::date, NULL, $2::uuid, $3::text[], $4::text[], $5::bigint, $6::boolean) r))
    GROUP BY a.month
) AS u ON u.month = m.month::date
ORDER BY m.month
