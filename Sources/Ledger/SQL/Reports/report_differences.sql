-- Two months of every clinic that existed in one of them, in the order of ReportDifference's
-- fields. Read through COPY.
--   $1 month date                $2 clinic uuid, or NULL for all
--   $3 plan names text[]
--   $4 values of payment_status text[]; 'none' = no subscription; NULL = any
--   $5 only clinics at or above this percentage of a limit in the first month, bigint, or NULL
--   $6 only clinics with a finding in the first month, boolean
--   $7 column to sort by, text   $8 descending, boolean
--   $9 rows at most, bigint, or NULL for all
--   $10 the other month, date
-- A change beyond bigint becomes its bound. Ordered as report_rows; reads both months once; locks
-- nothing.
SELECT r.clinic_id, r.subdomain, r.name, r.plan, r.payment_status, r.api_calls, r.other_calls,
    change.calls, r.storage_used, r.other_storage, change.storage
FROM metering.report($1::date, $10::date, $2::uuid, $3::text[], $4::text[], $5::bigint,
    $6::boolean) r
CROSS JOIN LATERAL (SELECT
    greatest(least(r.api_calls::numeric - r.other_calls, 9223372036854775807),
        -9223372036854775808)::bigint AS calls,
    greatest(least(r.storage_used::numeric - r.other_storage, 9223372036854775807),
        -9223372036854775808)::bigint AS storage
) AS change
CROSS JOIN LATERAL (SELECT
    CASE $7::text WHEN 'subdomain' THEN r.subdomain WHEN 'name' THEN r.name WHEN 'plan' THEN r.plan
        WHEN 'payment_status' THEN r.payment_status END AS name,
    CASE $7::text WHEN 'api_calls' THEN r.api_calls WHEN 'api_calls_compared' THEN r.other_calls
        WHEN 'api_calls_change' THEN change.calls WHEN 'storage_used' THEN r.storage_used
        WHEN 'storage_used_compared' THEN r.other_storage
        WHEN 'storage_used_change' THEN change.storage END AS number
) AS key
ORDER BY CASE WHEN $8::boolean THEN key.name END COLLATE "C" DESC NULLS LAST,
    CASE WHEN $8::boolean THEN key.number END DESC NULLS LAST,
    CASE WHEN NOT $8::boolean THEN key.name END COLLATE "C" NULLS LAST,
    CASE WHEN NOT $8::boolean THEN key.number END NULLS LAST,
    r.subdomain COLLATE "C" NULLS LAST, r.clinic_id
LIMIT $9::bigint
