-- Indexes that find the rows of one clinic. visits is partitioned, and PostgreSQL builds no index
-- concurrently on a partitioned table; it is empty here, so the plain form costs nothing.
CREATE INDEX idx_visits_clinic_date ON public.visits (clinic_id, visit_date);
CREATE INDEX idx_users_clinic ON public.users (clinic_id);
CREATE INDEX idx_audit_logs_clinic ON public.audit_logs (clinic_id, "timestamp");
-- Sums the bytes of a clinic without reading the table.
CREATE INDEX idx_file_storage_clinic ON public.file_storage (clinic_id) INCLUDE (size_bytes);
CREATE INDEX idx_clinic_subscriptions_plan ON public.clinic_subscriptions (plan_id);
-- All clinics in use in a month, whatever their order by clinic.
CREATE INDEX idx_api_usage_month ON public.api_usage (month, clinic_id);
