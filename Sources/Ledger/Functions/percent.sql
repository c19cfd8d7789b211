-- `used` as a percentage of `most`, rounded down: 812 of 1000 is 81. NULL where there is no limit,
-- and for a limit of 0. Larger results become 10^10.
--   most  NULL, −1 for unlimited, or up to 2^53
CREATE OR REPLACE FUNCTION metering.percent(used bigint, most bigint) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN most > 0 THEN
    CASE WHEN used / most >= 100000000 THEN 10000000000
        ELSE greatest(used, 0) / most * 100 + greatest(used, 0) % most * 100 / most END END;
REVOKE ALL ON FUNCTION metering.percent FROM PUBLIC;
GRANT EXECUTE ON FUNCTION metering.percent TO metering_worker, billing_admin, billing_viewer;
