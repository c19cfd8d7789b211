-- A new database: every month is metered from the start. Its name in the record of migrations also says,
-- for all later files, that the application's tables are ours.
INSERT INTO metering.installation (kind, metering_since) VALUES ('new', now());
