-- A new database: indexes that find the rows of one clinic. The tables are empty, so a plain build
-- costs nothing. The first is the team's own.
CREATE INDEX idx_patients_clinic ON public.patients (clinic_id);
CREATE INDEX metering_users_clinic ON public.users (clinic_id);
CREATE INDEX metering_audit_logs_clinic ON public.audit_logs (clinic_id, "timestamp");
-- Sums the bytes of a clinic without reading the table.
CREATE INDEX metering_file_storage_clinic ON public.file_storage (clinic_id) INCLUDE (size_bytes);
CREATE INDEX metering_clinic_subscriptions_plan ON public.clinic_subscriptions (plan_id);
-- All clinics in use in a month, whatever their order by clinic.
CREATE INDEX metering_api_usage_month ON public.api_usage (month, clinic_id);
