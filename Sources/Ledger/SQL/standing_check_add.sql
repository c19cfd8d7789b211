-- Lets payment_status take the eight words only. Reads the table under an ACCESS EXCLUSIVE lock; a database that was
-- migrated when it was empty has the same constraint.
ALTER TABLE public.clinic_subscriptions ADD CONSTRAINT clinic_subscriptions_payment_status_check CHECK (
    payment_status IN (
        'incomplete', 'trialing', 'active', 'past_due', 'suspended', 'paused', 'canceled', 'expired'))
