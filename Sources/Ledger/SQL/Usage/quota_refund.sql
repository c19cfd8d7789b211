-- Gives units of the running month back, once per id; NULL for an unknown clinic, else whether the
-- id was new. SQLSTATE BQ004 when the month has fewer units, 23505 when the id was recorded with
-- other units.
--   $1 clinic uuid      $2 units bigint (cost units)      $3 id text (1 to 100 characters)
--   $4 reason text (1 to 500 characters)
-- Locks the month's bucket, then the clinic's row of clinic_terms.
SELECT metering.refund_quota($1::uuid, $2::bigint, $3::text, $4::text) AS new
