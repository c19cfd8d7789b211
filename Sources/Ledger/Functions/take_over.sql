-- Reads from the rows what the triggers of a group keep, in the transaction that creates or enables
-- them. The first time it takes the tables over as they are. Later it redoes, as of now, what the
-- triggers missed while one of them was missing, disabled or different. Returns what cannot be
-- redone, NULL when nothing was lost; it is also a finding, which doctor shows.
--   trigger_group  metering, counts, terms or usage
--   missed         the names of its triggers that did not run, or not as they should; their loss
--                  decides what is said
CREATE OR REPLACE FUNCTION metering.take_over(trigger_group text, missed text[])
    RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    is_first boolean := NOT EXISTS (
        SELECT FROM metering.schema_trigger_group g WHERE g.name = trigger_group);
    lost text;
BEGIN
    lost := CASE trigger_group
        WHEN 'metering' THEN metering.take_over_metering(is_first, missed)
        WHEN 'counts' THEN metering.take_over_counts(is_first, missed)
        WHEN 'terms' THEN metering.take_over_terms(is_first, missed)
        WHEN 'usage' THEN metering.take_over_usage(is_first, missed) END;
    INSERT INTO metering.schema_trigger_group (name) VALUES (trigger_group)
    ON CONFLICT (name) DO UPDATE SET last_at = now();
    IF lost IS NOT NULL THEN
        PERFORM metering.note_attention('triggers_missed', NULL, trigger_group, lost);
    END IF;
    RETURN lost;
END
$$;
REVOKE ALL ON FUNCTION metering.take_over FROM PUBLIC;
