-- The number of clinics by limit and by the share of the limit that they use.
--   $1 month date                $2 clinic uuid, or NULL for all
--   $3 plan names text[]
--   $4 values of payment_status text[]; 'none' = no subscription; NULL = any
--   $5 only clinics at or above this percentage of a limit, bigint, or NULL
--   $6 only clinics with a finding, boolean
-- bracket: 0 to 3 are quarters of the limit, 4 is all of it or more, 5 is no limit. Reads the month
-- once; locks nothing.
SELECT share.counter, CASE WHEN share.most = 0 THEN CASE WHEN share.used > 0 THEN 4 ELSE 0 END
        WHEN share.percent IS NULL THEN 5 ELSE least(share.percent / 25, 4) END AS bracket,
    count(*) AS clinics
FROM metering.report($1::date, NULL, $2::uuid, $3::text[], $4::text[], $5::bigint, $6::boolean) r
CROSS JOIN LATERAL (VALUES
    ('calls', r.api_calls, r.api_calls_included, r.api_calls_percent),
    ('users', r.users, r.max_users, r.users_percent),
    ('patients', r.patients, r.max_patients, r.patients_percent),
    ('storage', r.storage_used, r.storage_included, r.storage_percent)
) AS share (counter, used, most, percent)
GROUP BY 1, 2
