-- One month summed by plan or by payment_status, in the order of ReportGroup's fields. Read through
-- COPY.
--   $1 month date                $2 clinic uuid, or NULL for all
--   $3 plan names text[]
--   $4 values of payment_status text[]; 'none' = no subscription; NULL = any
--   $5 only clinics at or above this percentage of a limit, bigint, or NULL
--   $6 only clinics with a finding, boolean
--   $7 column to sort by, text   $8 descending, boolean
--   $9 rows at most, bigint, or NULL for all
--   $10 'plan' or 'status', text
-- A sum beyond bigint becomes its bound. Clinics without a subscription are the group NULL. Reads
-- the month once; locks nothing.
SELECT g.key, g.clinics, g.users, g.patients, g.api_calls, g.storage_used, g.storage_peak,
    g.clinics_over, g.clinics_past_due, g.clinics_drift, g.clinics_attention
FROM (
    SELECT CASE $10::text WHEN 'plan' THEN r.plan ELSE r.payment_status END AS key,
        count(*) AS clinics,
        least(sum(r.users), 9223372036854775807)::bigint AS users,
        least(sum(r.patients), 9223372036854775807)::bigint AS patients,
        least(sum(r.api_calls), 9223372036854775807)::bigint AS api_calls,
        least(sum(r.storage_used), 9223372036854775807)::bigint AS storage_used,
        least(sum(r.storage_peak), 9223372036854775807)::bigint AS storage_peak,
        count(*) FILTER (WHERE r.findings LIKE '%over\_%') AS clinics_over,
        count(*) FILTER (WHERE r.payment_status IN ('past_due', 'suspended')) AS clinics_past_due,
        count(*) FILTER (WHERE r.drift > 0) AS clinics_drift,
        count(*) FILTER (WHERE r.open_attention > 0) AS clinics_attention
    FROM metering.report(
        $1::date, NULL, $2::uuid, $3::text[], $4::text[], $5::bigint, $6::boolean) r
    GROUP BY 1
) AS g
CROSS JOIN LATERAL (SELECT CASE $7::text WHEN 'clinics' THEN g.clinics WHEN 'users' THEN g.users
    WHEN 'patients' THEN g.patients WHEN 'api_calls' THEN g.api_calls
    WHEN 'storage_used' THEN g.storage_used WHEN 'storage_peak' THEN g.storage_peak
    WHEN 'clinics_over' THEN g.clinics_over WHEN 'clinics_past_due' THEN g.clinics_past_due
    WHEN 'clinics_drift' THEN g.clinics_drift
    WHEN 'clinics_attention' THEN g.clinics_attention END AS number) AS sorted
ORDER BY CASE WHEN $8::boolean THEN sorted.number END DESC NULLS LAST,
    CASE WHEN NOT $8::boolean THEN sorted.number END NULLS LAST,
    CASE WHEN $8::boolean AND $7::text = 'group' THEN g.key END COLLATE "C" DESC NULLS LAST,
    g.key COLLATE "C" NULLS LAST
LIMIT $9::bigint
