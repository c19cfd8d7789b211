-- answers statements for the connecting role
-- Writes old words of payment_status as ours, which moves no standing, and gives the column its CHECK. Reads the table
-- once under a lock against everybody. Answers nothing while a word is left that nobody knows, and once it is done.
SELECT 'UPDATE public.clinic_subscriptions SET payment_status = metering.standing_word(payment_status)'
    ' WHERE payment_status <> metering.standing_word(payment_status);'
    ' ALTER TABLE public.clinic_subscriptions ADD CONSTRAINT clinic_subscriptions_payment_status_check CHECK ('
    'payment_status IN (''incomplete'', ''trialing'', ''active'', ''past_due'', ''suspended'', ''paused'','
    ' ''canceled'', ''expired''))' AS statement, false AS runs_alone
WHERE NOT EXISTS (SELECT FROM pg_constraint
        WHERE conrelid = 'public.clinic_subscriptions'::regclass AND contype = 'c'
          AND conname = 'clinic_subscriptions_payment_status_check')
  AND NOT EXISTS (SELECT FROM public.clinic_subscriptions
        WHERE metering.standing_word(payment_status) IS NULL)
