-- Bounds what the worker remembers: one quarantine row for each reason that a count of a clinic was
-- refused for, however often it rose meanwhile, and only the latest runs of each job.
ALTER TABLE metering.quarantine
    DROP CONSTRAINT quarantine_month_clinic_id_epoch_used_credited_reason_key;

WITH merged AS (
    SELECT min(id) AS id, max(used) AS used, max(credited) AS credited, sum(times)::bigint AS times,
        min(first_seen) AS first_seen, max(last_seen) AS last_seen
    FROM metering.quarantine GROUP BY month, clinic_id, epoch, reason
), gone AS (
    DELETE FROM metering.quarantine WHERE id NOT IN (SELECT id FROM merged)
)
UPDATE metering.quarantine held
SET used = merged.used, credited = merged.credited, times = merged.times,
    first_seen = merged.first_seen, last_seen = merged.last_seen
FROM merged WHERE held.id = merged.id;

ALTER TABLE metering.quarantine
    ADD CONSTRAINT quarantine_reason_key UNIQUE (month, clinic_id, epoch, reason);

GRANT DELETE ON metering.job_run TO metering_worker;
