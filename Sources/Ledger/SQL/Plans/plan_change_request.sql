-- Requests a move to another plan, carried out at once when it is due; an earlier waiting move is
-- dropped.
--   $1 clinic uuid      $2 plan int      $3 effective at timestamptz      $4 reason
-- BQ007: the clinic has no subscription. Locks as standing_lock does.
SELECT metering.request_plan_change($1::uuid, $2::int, $3::timestamptz, $4::text) AS change
