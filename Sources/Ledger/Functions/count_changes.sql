-- Applies the changes of one statement, one entry for each clinic, or refuses all of them. What is
-- read under the locks stays true until COMMIT, at every isolation level. A clinic that exceeds its
-- plan can still remove; only additions are checked.
CREATE OR REPLACE FUNCTION metering.count_changes(counter text, clinics uuid[], changes bigint[])
    RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    is_limited boolean;
    full_one record;
BEGIN
    IF coalesce(cardinality(clinics), 0) = 0 THEN
        RETURN;
    END IF;
    is_limited := 0 < ANY (changes) AND (SELECT enforced FROM metering.limit_mode);
    IF cardinality(clinics) = 1 AND metering.count_simply(counter, clinics[1], changes[1],
        CASE WHEN is_limited THEN metering.plan_limit(clinics[1], counter) END)
    THEN
        RETURN;
    END IF;
    PERFORM metering.lock_counters(clinics);
    IF is_limited THEN
        SELECT * INTO full_one FROM (
            SELECT asked.clinic, asked.amount, metering.plan_limit(asked.clinic, counter) AS most,
                CASE counter WHEN 'users' THEN held.users + held.reserved
                    WHEN 'patients' THEN held.patients ELSE held.storage_bytes END AS used
            FROM unnest(clinics, changes) AS asked (clinic, amount)
            JOIN metering.clinic_held held ON held.clinic_id = asked.clinic
            WHERE asked.amount > 0
        ) AS wanted
        WHERE wanted.amount > wanted.most - wanted.used ORDER BY wanted.clinic LIMIT 1;
        IF FOUND THEN
            PERFORM metering.refuse_more(
                counter, full_one.most, full_one.used, full_one.amount);
        END IF;
    END IF;
    UPDATE metering.clinic_counter c SET
        users = users + CASE counter WHEN 'users' THEN amount ELSE 0 END,
        patients = patients + CASE counter WHEN 'patients' THEN amount ELSE 0 END,
        storage_bytes = storage_bytes + CASE counter WHEN 'storage' THEN amount ELSE 0 END
    FROM unnest(clinics, changes) AS asked (clinic, amount) WHERE c.clinic_id = asked.clinic;
END
$$;
REVOKE ALL ON FUNCTION metering.count_changes FROM PUBLIC;
