-- Puts a dunning notice into the outbox, once per debt and day; false when it was already queued.
--   $1 clinic uuid      $2 unpaid since timestamptz      $3 day      $4 suspends at timestamptz
--   $5 cancels at timestamptz
-- Needs standing_lock before it in its transaction.
SELECT metering.queue_notice($1::uuid, $2::timestamptz, $3::int, $4::timestamptz,
    $5::timestamptz) AS given
