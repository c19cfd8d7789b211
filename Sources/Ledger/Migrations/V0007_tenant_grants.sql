-- What each role may do with the application's tables. Nobody gets DELETE on what others count on.

-- The worker and the reports count people but never read who they are.
GRANT SELECT ON public.clinics, public.subscription_plans, public.clinic_subscriptions,
    public.api_usage TO metering_worker, billing_admin;
GRANT SELECT (id, clinic_id) ON public.users, public.patients TO metering_worker, billing_admin;
GRANT SELECT (clinic_id, user_id) ON public.clinic_staff TO metering_worker, billing_admin;
GRANT SELECT (clinic_id, size_bytes) ON public.file_storage TO metering_worker, billing_admin;
GRANT INSERT, UPDATE ON public.api_usage TO metering_worker;

-- The application works on the records of the clinic in app.current_clinic_id. What the clinic is,
-- bought and used is written by others; the audit log only grows.
GRANT SELECT, INSERT, UPDATE, DELETE ON public.users, public.patients, public.visits,
    public.clinic_staff, public.file_storage TO clinic_app;
GRANT SELECT, INSERT ON public.audit_logs TO clinic_app;
GRANT SELECT ON public.clinics, public.subscription_plans, public.clinic_subscriptions,
    public.api_usage TO clinic_app;
GRANT USAGE ON SEQUENCE public.users_id_seq, public.patients_id_seq, public.visits_id_seq,
    public.audit_logs_id_seq TO clinic_app;
