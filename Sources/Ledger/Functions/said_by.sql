-- Who acts, as `billing --as` said: a text that the login chose, no proof. NULL when it said
-- nothing. The name travels as application_name, which a pooler keeps apart for each of its clients.
CREATE OR REPLACE FUNCTION metering.said_by() RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
RETURN substring(current_setting('application_name') FROM '^billing as (.+)$');
REVOKE ALL ON FUNCTION metering.said_by FROM PUBLIC;
