-- The first error in a plan's key `metering` that a check could not work with, or NULL. Tests types
-- and ranges of what a check reads. The programs refuse everything refused here, and more.
CREATE OR REPLACE FUNCTION metering.plan_problem(features jsonb) RETURNS text
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    named text;
    held jsonb;
    fault text;
    windows int := 0;
BEGIN
    IF features IS NULL THEN
        RETURN NULL;
    END IF;
    IF jsonb_typeof(features) <> 'object' THEN
        RETURN 'metering is not an object';
    END IF;
    IF octet_length(features::text) > 16384 THEN
        RETURN 'metering is longer than 16 KiB';
    END IF;
    SELECT k INTO named FROM jsonb_object_keys(features) AS k
    WHERE k NOT IN ('limits', 'quota', 'storage_bytes', 'billing', 'dunning') ORDER BY k LIMIT 1;
    IF named IS NOT NULL THEN
        RETURN 'metering.' || named || ' is unknown';
    END IF;
    FOREACH named IN ARRAY ARRAY['limits', 'quota', 'billing', 'dunning'] LOOP
        IF coalesce(jsonb_typeof(features -> named), 'null') NOT IN ('null', 'object') THEN
            RETURN 'metering.' || named || ' is not an object';
        END IF;
    END LOOP;
    SELECT k INTO named FROM jsonb_object_keys(
        CASE WHEN jsonb_typeof(features -> 'quota') = 'object'
            THEN features -> 'quota' ELSE '{}' END) AS k
    WHERE k NOT IN ('api_calls', 'shadow') ORDER BY k LIMIT 1;
    IF named IS NOT NULL THEN
        RETURN 'metering.quota.' || named || ' is unknown';
    END IF;
    IF coalesce(jsonb_typeof(features #> '{quota,shadow}'), 'null') NOT IN ('null', 'boolean') THEN
        RETURN 'metering.quota.shadow is not true or false';
    END IF;
    IF metering.plan_amount(features, 'quota', 'api_calls') IS NULL THEN
        RETURN 'metering.quota.api_calls is not a whole number of 0 or more, or -1 for unlimited';
    END IF;
    IF metering.plan_amount(features, 'storage_bytes') IS NULL THEN
        RETURN 'metering.storage_bytes is not a whole number of 0 or more, or -1 for unlimited';
    END IF;
    IF jsonb_typeof(features -> 'limits') = 'object' THEN
        FOR named, held IN SELECT key, value FROM jsonb_each(features -> 'limits') ORDER BY key LOOP
            IF named !~ '^[a-z0-9_-]{1,40}$' THEN
                RETURN 'metering.limits has a name that is not 1 to 40 of a-z, 0-9, _ and -';
            END IF;
            fault := metering.window_problem(
                'metering.limits.' || named, held, ARRAY['rate', 'per', 'burst', 'sustained',
                    'shadow',
                    'concurrent', 'on_outage']);
            windows := windows + 1;
            IF fault IS NULL AND coalesce(jsonb_typeof(held -> 'sustained'), 'null') <> 'null' THEN
                fault := metering.window_problem('metering.limits.' || named || '.sustained',
                    held -> 'sustained', ARRAY['rate', 'per', 'burst']);
                windows := windows + 1;
            END IF;
            IF fault IS NULL
                AND coalesce(jsonb_typeof(held -> 'shadow'), 'null') NOT IN ('null', 'boolean')
            THEN
                fault := 'metering.limits.' || named || '.shadow is not true or false';
            END IF;
            IF fault IS NULL AND coalesce(jsonb_typeof(held -> 'concurrent'), 'null') <> 'null'
                AND (jsonb_typeof(held -> 'concurrent') <> 'number'
                    OR held ->> 'concurrent' !~ '^[0-9]{1,4}$'
                    OR (held ->> 'concurrent')::int NOT BETWEEN 1 AND 1000)
            THEN
                fault := 'metering.limits.' || named
                    || '.concurrent is not a whole number from 1 to 1000';
            END IF;
            IF fault IS NULL AND coalesce(jsonb_typeof(held -> 'on_outage'), 'null') <> 'null'
                AND held -> 'on_outage' NOT IN ('"allow"', '"deny"')
            THEN
                fault := 'metering.limits.' || named || '.on_outage is not allow or deny';
            END IF;
            IF fault IS NOT NULL THEN
                RETURN fault;
            END IF;
        END LOOP;
    END IF;
    IF windows > 8 THEN
        RETURN format('metering.limits has %s windows; a plan has at most 8', windows);
    END IF;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION metering.plan_problem FROM PUBLIC;
GRANT EXECUTE ON FUNCTION metering.plan_problem TO metering_worker, billing_admin;
