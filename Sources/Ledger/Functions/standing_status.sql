-- The status that a stored value means; NULL for an unknown one. The program has the same table
-- (PaymentStatus.init(stored:)). No SET clause: reports read it a million times, and the planner
-- inlines it.
CREATE OR REPLACE FUNCTION metering.standing_status(stored text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE lower(btrim(stored))
        WHEN 'paid' THEN 'active' WHEN 'pending' THEN 'incomplete' WHEN 'unpaid' THEN 'past_due'
        WHEN 'overdue' THEN 'past_due' WHEN 'trial' THEN 'trialing' WHEN 'cancelled' THEN 'canceled'
        WHEN 'blocked' THEN 'suspended'
        WHEN 'incomplete' THEN 'incomplete' WHEN 'trialing' THEN 'trialing'
        WHEN 'active' THEN 'active'
        WHEN 'past_due' THEN 'past_due' WHEN 'suspended' THEN 'suspended'
        WHEN 'paused' THEN 'paused'
        WHEN 'canceled' THEN 'canceled' WHEN 'expired' THEN 'expired' END;
END;
REVOKE ALL ON FUNCTION metering.standing_status FROM PUBLIC;
GRANT EXECUTE ON FUNCTION metering.standing_status
    TO metering_worker, billing_admin, billing_viewer;
