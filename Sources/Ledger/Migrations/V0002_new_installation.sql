-- A new database: every month is metered from the start. Its name in the record of migrations also
-- says, for all later files, that metering owns the application's tables.
INSERT INTO metering.installation (kind, metering_since) VALUES ('new', now());
