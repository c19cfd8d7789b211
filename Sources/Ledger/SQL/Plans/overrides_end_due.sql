-- Notes the overrides that are over, so that their clinics get the plan's numbers back; how many.
-- Uses clinic_override_due; passes over rows that another worker is at.
SELECT metering.end_overrides() AS ended
