-- The clock of the database.
SELECT clock_timestamp() AS now
