-- The totals of all clinics of a report, and the number of clinics with each finding: one row.
--   $1 month date                $2 clinic uuid, or NULL for all
--   $3 plan names text[]
--   $4 values of payment_status text[]; 'none' = no subscription; NULL = any
--   $5 only clinics at or above this percentage of a limit, bigint, or NULL
--   $6 only clinics with a finding, boolean
-- seats are users of clinics that have a limit, beside their limits. A sum beyond bigint becomes
-- its bound.
-- Reads the month once; locks nothing.
SELECT count(*) AS clinics,
    least(coalesce(sum(r.users), 0), 9223372036854775807)::bigint AS users,
    least(coalesce(sum(r.patients), 0), 9223372036854775807)::bigint AS patients,
    least(coalesce(sum(r.api_calls), 0), 9223372036854775807)::bigint AS api_calls,
    least(coalesce(sum(r.storage_used), 0), 9223372036854775807)::bigint AS storage_used,
    coalesce(sum(r.users) FILTER (WHERE r.max_users >= 0), 0)::bigint AS seats_used,
    coalesce(sum(r.max_users) FILTER (WHERE r.max_users >= 0), 0)::bigint AS seats_included,
    count(*) FILTER (WHERE r.findings LIKE '%over\_%') AS over_quota,
    count(*) FILTER (WHERE r.payment_status IN ('past_due', 'suspended')) AS past_due,
    count(*) FILTER (WHERE r.drift > 0) AS drift,
    count(*) FILTER (WHERE r.open_attention > 0) AS attention
FROM metering.report($1::date, NULL, $2::uuid, $3::text[], $4::text[], $5::bigint, $6::boolean) r
