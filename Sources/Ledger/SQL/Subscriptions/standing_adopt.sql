-- returns statements for the connecting role
-- Replaces old values of payment_status, which changes no standing, and gives the column its CHECK.
-- Reads the table once, locked against every other use. Returns nothing while an unknown value is
-- left, and once it is done.
SELECT 'UPDATE public.clinic_subscriptions SET payment_status = metering.standing_status(payment_status)'
    ' WHERE payment_status <> metering.standing_status(payment_status);'
    ' ALTER TABLE public.clinic_subscriptions ADD CONSTRAINT metering_payment_status_check CHECK ('
    'payment_status IN (''incomplete'', ''trialing'', ''active'', ''past_due'', ''suspended'', ''paused'','
    ' ''canceled'', ''expired''))' AS statement, false AS runs_alone
WHERE NOT EXISTS (SELECT FROM pg_constraint
        WHERE conrelid = 'public.clinic_subscriptions'::regclass AND contype = 'c'
          AND conname = 'metering_payment_status_check')
  AND NOT EXISTS (SELECT FROM public.clinic_subscriptions
        WHERE metering.standing_status(payment_status) IS NULL)
