-- Whether payment_status has its CHECK. Reads the catalog.
SELECT EXISTS (SELECT FROM pg_constraint
    WHERE conrelid = 'public.clinic_subscriptions'::regclass AND contype = 'c' AND convalidated
      AND conname = 'clinic_subscriptions_payment_status_check') AS is_there
