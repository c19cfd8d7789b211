-- Refuses with BQ001 users, BQ002 patients, BQ003 storage.
--   most, used, asked  the limit, what the clinic holds, and what the statement adds to it
CREATE OR REPLACE FUNCTION metering.refuse_more(counter text, most bigint, used bigint,
    asked bigint)
    RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION 'the plan allows no more %', counter
        USING ERRCODE = CASE counter
                WHEN 'users' THEN 'BQ001' WHEN 'patients' THEN 'BQ002' ELSE 'BQ003' END,
            DETAIL = json_build_object('limit', most, 'used', used, 'asked', asked)::text,
            HINT = 'Remove some, or move the clinic to a larger plan.';
END
$$;
REVOKE ALL ON FUNCTION metering.refuse_more FROM PUBLIC;
