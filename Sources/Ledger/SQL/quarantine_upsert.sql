-- Keeps a refused checkpoint as it came; the same one again only counts and dates.
--   $1 month date      $2 clinic uuid       $3 epoch bigint (bit pattern)
--   $4 used bigint     $5 credited bigint   $6 reason text, 1 to 200 characters
-- Uses the unique key of all six; locks that row.
INSERT INTO metering.quarantine AS held (month, clinic_id, epoch, used, credited, reason)
VALUES ($1::date, $2::uuid, $3::bigint, $4::bigint, $5::bigint, left($6::text, 200))
ON CONFLICT (month, clinic_id, epoch, used, credited, reason) DO UPDATE
SET times = held.times + 1, last_seen = now()
