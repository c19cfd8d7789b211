-- How many checkpoints the ledger refused, and seconds since the last time; NULL when none was.
-- Reads the whole table, which is normally empty; locks nothing.
SELECT count(*) AS refused, extract(epoch FROM now() - max(last_seen))::bigint AS age
FROM metering.quarantine
