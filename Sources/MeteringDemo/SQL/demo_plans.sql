-- Adds the demo's plans where they are missing. A psql script for a superuser; safe to repeat.
INSERT INTO subscription_plans (name, max_users, max_patients, features)
SELECT plan.name, plan.max_users, plan.max_patients, plan.features::jsonb
FROM (VALUES
    ('Unlimited', -1, -1, '{"metering": {}}'),
    ('Practice', 25, 10000, '{"metering": {"limits": {"default": {"rate": 100, "per": "1s", "burst": 2000}},
        "quota": {"api_calls": 500000}, "storage_bytes": 107374182400}}'),
    ('Solo', 2, 1000, '{"metering": {"limits": {"default": {"rate": 1, "per": "1s", "burst": 20}},
        "quota": {"api_calls": 10000}, "storage_bytes": 10737418240}}'),
    ('Trial', 1, 50, '{"metering": {"quota": {"api_calls": 100}, "storage_bytes": 1073741824}}')
) AS plan (name, max_users, max_patients, features)
WHERE NOT EXISTS (SELECT FROM subscription_plans AS old WHERE old.name = plan.name);
