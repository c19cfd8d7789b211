-- Plans, subscriptions and monthly usage: what a clinic bought and what it used.
-- Each mend and its reason: docs/decisions/0002-schema-faults.md.

-- −1 means unlimited. Of `features` the key `metering` is read here, all others are the
-- application's; its exact form is checked by the program that reads it.
CREATE TABLE public.subscription_plans (
    plan_id serial PRIMARY KEY,
    name varchar(50) NOT NULL,
    max_users int NOT NULL CHECK (max_users >= -1),
    max_patients int NOT NULL CHECK (max_patients >= -1),
    features jsonb NOT NULL
        CONSTRAINT subscription_plans_features_check CHECK (
            jsonb_typeof(features) = 'object'
            AND (NOT features ? 'metering' OR jsonb_typeof(features -> 'metering') = 'object')
        )
);

CREATE TABLE public.clinic_subscriptions (
    clinic_id uuid PRIMARY KEY REFERENCES public.clinics (clinic_id),
    plan_id int REFERENCES public.subscription_plans (plan_id),
    start_date date NOT NULL,
    end_date date NOT NULL CHECK (end_date >= start_date),
    payment_status varchar(20) NOT NULL CHECK (
        payment_status IN (
            'incomplete', 'trialing', 'active', 'past_due', 'suspended', 'paused', 'canceled',
            'expired'
        )
    ),
    auto_renew boolean NOT NULL DEFAULT true
);

-- Cost units and bytes of one clinic in one calendar month (UTC). Written by the roll-up, which
-- sets it from the ledger; api_calls may be below zero when a correction exceeds the month's use.
CREATE TABLE public.api_usage (
    clinic_id uuid REFERENCES public.clinics (clinic_id),
    month date NOT NULL CHECK (extract(day FROM month) = 1),
    api_calls bigint NOT NULL DEFAULT 0,
    storage_used bigint NOT NULL DEFAULT 0 CHECK (storage_used >= 0),
    PRIMARY KEY (clinic_id, month)
);
