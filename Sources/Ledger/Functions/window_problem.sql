-- What is wrong with one window of a limit, or NULL.
--   path  its place in the plan, for the message      known  the keys that it may have
CREATE OR REPLACE FUNCTION metering.window_problem(path text, given jsonb, known text[])
    RETURNS text
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    unknown text;
    length numeric;
    emission numeric;
    burst numeric;
BEGIN
    IF jsonb_typeof(given) <> 'object' THEN
        RETURN path || ' is not an object';
    END IF;
    SELECT k INTO unknown FROM jsonb_object_keys(given) AS k WHERE k <> ALL (known) ORDER BY k
        LIMIT 1;
    IF unknown IS NOT NULL THEN
        RETURN path || '.' || unknown || ' is unknown';
    END IF;
    IF NOT coalesce(jsonb_typeof(given -> 'rate') = 'number' AND given ->> 'rate' ~ '^[0-9]{1,10}$'
        AND (given ->> 'rate')::bigint BETWEEN 1 AND 1000000000, false)
    THEN
        RETURN path || '.rate is not a whole number of 1 to 1000000000';
    END IF;
    IF NOT coalesce(jsonb_typeof(given -> 'per') = 'string'
        AND given ->> 'per' ~ '^[0-9]{1,40}(ms|s|m|h|d)$', false)
    THEN
        RETURN path || '.per is not a length of time such as 1s';
    END IF;
    length := substring(given ->> 'per' FROM '^[0-9]+')::numeric
        * CASE substring(given ->> 'per' FROM '[a-z]+$') WHEN 'ms' THEN 1000 WHEN 's' THEN 1000000
            WHEN 'm' THEN 60000000 WHEN 'h' THEN 3600000000 ELSE 86400000000 END;
    IF coalesce(jsonb_typeof(given -> 'burst'), 'null') <> 'null'
        AND NOT (jsonb_typeof(given -> 'burst') = 'number' AND given ->> 'burst' ~ '^[0-9]{1,18}$'
            AND (given ->> 'burst')::bigint >= 1)
    THEN
        RETURN path || '.burst is not a whole number of 1 or more';
    END IF;
    burst := coalesce((given ->> 'burst')::numeric, (given ->> 'rate')::numeric);
    emission := ceil(length / (given ->> 'rate')::numeric);
    IF length < 1000 OR emission * burst > 140737488355327 THEN
        RETURN path || ' takes less than a millisecond or more than four years to fill';
    END IF;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION metering.window_problem FROM PUBLIC;
GRANT EXECUTE ON FUNCTION metering.window_problem TO metering_worker, billing_admin;
