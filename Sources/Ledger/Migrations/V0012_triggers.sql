-- after the functions
-- The triggers of schema metering, and the first partitions. Those of the application's tables are
-- in SQL/Schema/application_triggers.sql.

CREATE TRIGGER adjustment_is_due AFTER INSERT ON metering.usage_adjustment
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION metering.adjustment_is_due();

CREATE TRIGGER note_storage AFTER UPDATE ON metering.clinic_counter
    FOR EACH ROW WHEN (OLD.storage_bytes IS DISTINCT FROM NEW.storage_bytes)
    EXECUTE FUNCTION metering.note_storage();

CREATE TRIGGER override_insert AFTER INSERT ON metering.clinic_override
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION metering.override_changed();
CREATE TRIGGER override_update AFTER UPDATE ON metering.clinic_override
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION metering.override_changed();

CREATE TRIGGER plan_change_settled AFTER UPDATE OF done_at, dropped_at ON metering.plan_change
    FOR EACH ROW WHEN (NEW.next_try IS NOT NULL)
    EXECUTE FUNCTION metering.plan_change_settled();

CREATE TRIGGER notify_insert AFTER INSERT ON metering.clinic_terms
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION metering.notify_terms();
CREATE TRIGGER notify_update AFTER UPDATE ON metering.clinic_terms
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION metering.notify_terms();
-- Recording a key's last use changes none of these columns.
CREATE TRIGGER notify_keys AFTER INSERT OR DELETE
    OR UPDATE OF hash, scopes, clinics, expires_at, revoked_at ON metering.api_key
    FOR EACH STATEMENT EXECUTE FUNCTION metering.notify_keys();

SELECT metering.ensure_month_partitions(3);
