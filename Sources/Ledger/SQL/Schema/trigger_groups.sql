-- The groups of triggers whose tables were taken over.
SELECT name FROM metering.schema_trigger_group
