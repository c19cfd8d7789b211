-- Marks overrides that have ended, so that the plan's numbers apply again; returns how many.
-- Uses clinic_override_due; skips rows that another worker has locked.
SELECT metering.end_overrides() AS ended
