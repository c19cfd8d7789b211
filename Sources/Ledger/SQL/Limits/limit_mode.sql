-- Whether the limits on seats, patients and storage are enforced, since when and by whom. Locks
-- nothing.
SELECT enforced, changed_at, changed_by::text AS changed_by FROM metering.limit_mode
