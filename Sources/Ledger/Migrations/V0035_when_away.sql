-- Plans say of each limit what a call is answered while its counter cannot be asked: `when_away`, `allow` or `deny`.
--
-- All else of a plan is looked at as before, by the same text under another name; so this file does not
-- repeat what other files know. `plan_problem` stays the function that sessions have open.
DO $$
BEGIN
    EXECUTE replace(pg_get_functiondef('metering.plan_problem(jsonb)'::regprocedure),
        'FUNCTION metering.plan_problem(', 'FUNCTION metering.plan_problem_but_away(');
END
$$;

-- What of a plan's key `metering` a check could not work with, or NULL. Whatever is refused here is
-- refused by the programs too; they refuse more.
CREATE OR REPLACE FUNCTION metering.plan_problem(features jsonb) RETURNS text
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    named text;
    plain jsonb := features;
BEGIN
    IF jsonb_typeof(features -> 'limits') = 'object' AND octet_length(features::text) <= 16384 THEN
        SELECT key INTO named FROM jsonb_each(features -> 'limits')
        WHERE jsonb_typeof(value) = 'object'
          AND coalesce(jsonb_typeof(value -> 'when_away'), 'null') <> 'null'
          AND value -> 'when_away' NOT IN ('"allow"', '"deny"')
        ORDER BY key LIMIT 1;
        IF named ~ '^[a-z0-9_-]{1,40}$' THEN
            RETURN 'metering.limits.' || named || '.when_away is not allow or deny';
        END IF;
        SELECT jsonb_set(features, '{limits}', coalesce(jsonb_object_agg(key,
            CASE WHEN jsonb_typeof(value) = 'object' THEN value - 'when_away' ELSE value END), '{}'))
        INTO plain FROM jsonb_each(features -> 'limits');
    END IF;
    RETURN metering.plan_problem_but_away(plain);
END
$$;

REVOKE ALL ON FUNCTION metering.plan_problem_but_away(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION metering.plan_problem_but_away(jsonb) TO metering_worker, billing_admin;
