-- A scope of its own for posting marks: who may ask is not thereby believed in what he counted. Programs that do not know it leave
-- such keys out.
ALTER TABLE metering.api_key DROP CONSTRAINT api_key_scopes_check;
ALTER TABLE metering.api_key ADD CONSTRAINT api_key_scopes_check CHECK (
    cardinality(scopes) > 0 AND scopes <@ ARRAY['check', 'usage', 'marks', 'admin']);
