-- Marks a version of a plan that cannot be read, so that the one before it is used; returns whether
-- the mark is new.
--   $1 plan_id int      $2 version int      $3 what is wrong, text
--   $4 number of the plan language of this program, int
-- Uses plan_version_pkey; raises the config version of every clinic of the plan.
SELECT metering.refuse_plan_version($1::int, $2::int, $3::text, $4::int) AS is_news
