-- What a clinic holds now: seats, reserved seats, patients, bytes. The time is that of the read,
-- not that of the transaction.
CREATE OR REPLACE VIEW metering.clinic_held AS
SELECT c.clinic_id, c.users, CASE WHEN c.reserved > 0 THEN (
        SELECT count(*) FROM metering.seat_reservation r
        WHERE r.clinic_id = c.clinic_id AND r.until > clock_timestamp()
    ) ELSE 0 END AS reserved, c.patients, c.storage_bytes
FROM metering.clinic_counter c;
GRANT SELECT ON metering.clinic_held TO metering_worker, billing_admin, billing_viewer;
