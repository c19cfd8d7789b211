-- The functions and views as they were applied last.
SELECT name, checksum FROM metering.schema_function
