-- Makes versions that only programs with an older plan language refused usable again; returns how
-- many.
--   $1 number of the plan language of this program, int
-- Reads all versions; raises the config version of every clinic of those plans.
SELECT metering.reconsider_plans($1::int) AS versions
