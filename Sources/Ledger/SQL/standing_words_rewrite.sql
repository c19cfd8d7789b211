-- Writes old words of payment_status as ours; no standing moves, because both mean the same.
-- Reads clinic_subscriptions and locks the rows it changes.
UPDATE public.clinic_subscriptions SET payment_status = metering.standing_word(payment_status)
WHERE payment_status <> metering.standing_word(payment_status)
