-- Calls of a month by day, cost units; days without a change of a total are left out.
--   $1 month date                $2 clinic uuid, or NULL for all
--   $3 plan names text[]
--   $4 values of payment_status text[]; 'none' = no subscription; NULL = any
--   $5 only clinics at or above this percentage of a limit, bigint, or NULL
--   $6 only clinics with a finding, boolean
--   $7 whether one of $2 to $6 is given, boolean: when false, no clinic is looked up
-- A day's calls are its total − the clinic's total before it. Reads one partition of usage_daily,
-- by its key; locks nothing.
SELECT d.day,
    greatest(least(sum(d.units), 9223372036854775807), -9223372036854775808)::bigint AS units
FROM (
    SELECT k.day, k.units_total::numeric - lag(k.units_total, 1, 0::bigint)
        OVER (PARTITION BY k.month, k.clinic_id ORDER BY k.day) AS units
    FROM metering.usage_daily k
    WHERE k.month = $1::date AND (NOT $7::boolean OR k.clinic_id IN (
        SELECT r.clinic_id FROM metering.report(
            $1::date, NULL, $2::uuid, $3::text[], $4::text[], $5::bigint, $6::boolean) r))
) AS d
GROUP BY d.day ORDER BY d.day
