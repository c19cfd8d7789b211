-- One month of every clinic that existed in it, in the order of ReportRow's fields. Read through
-- COPY.
--   $1 month date                $2 clinic uuid, or NULL for all
--   $3 plan names text[]
--   $4 values of payment_status text[]; 'none' = no subscription; NULL = any
--   $5 only clinics at or above this percentage of a limit, bigint, or NULL
--   $6 only clinics with a finding, boolean
--   $7 column to sort by, text   $8 descending, boolean
--   $9 rows at most, bigint, or NULL for all
-- Ties, and rows without another order, sort by subdomain, then clinic_id. Missing values sort
-- last.
-- Reads clinics, subscriptions, counters and a month of usage once; locks nothing.
SELECT r.clinic_id, r.subdomain, r.name, r.plan, r.payment_status, r.users, r.max_users, r.patients,
    r.max_patients, r.api_calls, r.api_calls_included, r.storage_used, r.storage_included,
    r.users_percent, r.patients_percent, r.api_calls_percent, r.storage_percent, r.storage_peak,
    r.open_attention, r.drift, r.findings
FROM metering.report($1::date, NULL, $2::uuid, $3::text[], $4::text[], $5::bigint, $6::boolean) r
CROSS JOIN LATERAL (SELECT
    CASE $7::text WHEN 'subdomain' THEN r.subdomain WHEN 'name' THEN r.name WHEN 'plan' THEN r.plan
        WHEN 'payment_status' THEN r.payment_status WHEN 'findings' THEN r.findings END AS name,
    CASE $7::text WHEN 'users' THEN r.users WHEN 'max_users' THEN nullif(r.max_users, -1)
        WHEN 'patients' THEN r.patients WHEN 'max_patients' THEN nullif(r.max_patients, -1)
        WHEN 'api_calls' THEN r.api_calls
        WHEN 'api_calls_included' THEN nullif(r.api_calls_included, -1)
        WHEN 'storage_used' THEN r.storage_used
        WHEN 'storage_included' THEN nullif(r.storage_included, -1)
        WHEN 'users_percent' THEN r.users_percent WHEN 'patients_percent' THEN r.patients_percent
        WHEN 'api_calls_percent' THEN r.api_calls_percent
        WHEN 'storage_percent' THEN r.storage_percent WHEN 'storage_peak' THEN r.storage_peak
        WHEN 'open_attention' THEN r.open_attention WHEN 'drift' THEN r.drift END AS number
) AS key
ORDER BY CASE WHEN $8::boolean THEN key.name END COLLATE "C" DESC NULLS LAST,
    CASE WHEN $8::boolean THEN key.number END DESC NULLS LAST,
    CASE WHEN NOT $8::boolean THEN key.name END COLLATE "C" NULLS LAST,
    CASE WHEN NOT $8::boolean THEN key.number END NULLS LAST,
    r.subdomain COLLATE "C" NULLS LAST, r.clinic_id
LIMIT $9::bigint
