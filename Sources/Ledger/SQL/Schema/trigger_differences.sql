-- Statements that correct our triggers, those of the application's tables and those of schema
-- metering: one row for each table that differs, in the order in which they run. A missing, disabled
-- or different trigger is created again; one of ours that is no longer wanted, or that a detached
-- partition kept, is dropped; the team's triggers are not touched. Each statement locks its table
-- against writes for a moment.
--   trigger_group  its statements run in one transaction, which then calls metering.take_over
--   is_there       false for a table that a pending migration makes
--   triggers       the names of those that differ
--   missed         the names of those that missed changes: they are not there or disabled. One of ours
--                  that is enabled and only defined otherwise ran.
--   taken          the names of those in whose place is a trigger that is not ours
--   is_new         true for a partition that has none of its triggers yet
--   remedy         the right that the connecting role lacks for the statement, or NULL
-- Reads the catalog only, and not the text of triggers, which depends on search_path and
-- quote_all_identifiers; a condition is compared without its quotes.
--
-- They are statements of the connecting role because metering_owner may create and replace triggers
-- on tables of the team, but not drop or enable them.
--
-- On the application's tables names start with metering_, so they cannot clash with the team's. For
-- one event PostgreSQL fires row triggers before statement triggers, and each kind in the order of
-- names. metering relies on two orders: metering_config_version_* locks the rows of plans before
-- metering_plan_version_* and metering_plan_move_* write. The order among the team's triggers does
-- not matter: metering_adopt_status sees what BEFORE triggers wrote whose names sort before it;
-- metering_subscription_written runs after all of them and adopts what the others wrote.
WITH trigger_groups AS (
    SELECT * FROM (VALUES (1, 'metering'), (2, 'counts'), (3, 'terms'), (4, 'usage')) AS g (place, name)
), wanted AS (
    SELECT CASE t.relation WHEN 'api_usage' THEN 'usage' ELSE 'terms' END AS trigger_group,
        'public' AS schema, t.relation, 'metering_' || t.name AS name, t.event, t.form,
        NULL AS condition, t.handler
    FROM (VALUES
        ('clinics', 'config_version_insert', 'AFTER INSERT',
            'REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT', 'clinic_input_added'),
        ('clinics', 'config_version_update', 'AFTER UPDATE',
            'REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT',
            'clinic_input_changed'),
        ('clinics', 'config_version_delete', 'AFTER DELETE',
            'REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT', 'clinic_input_removed'),
        ('clinics', 'let_clinic_go', 'BEFORE DELETE', 'FOR EACH ROW', 'let_clinic_go'),
        ('clinic_subscriptions', 'adopt_status', 'BEFORE INSERT OR UPDATE', 'FOR EACH ROW',
            'adopt_status'),
        ('clinic_subscriptions', 'subscription_written', 'AFTER INSERT OR DELETE OR UPDATE',
            'FOR EACH ROW', 'subscription_written'),
        ('clinic_subscriptions', 'subscriptions_truncated', 'AFTER TRUNCATE', 'FOR EACH STATEMENT',
            'subscriptions_truncated'),
        ('clinic_subscriptions', 'config_version_insert', 'AFTER INSERT',
            'REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT', 'clinic_input_added'),
        ('clinic_subscriptions', 'config_version_update', 'AFTER UPDATE',
            'REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT',
            'clinic_input_changed'),
        ('clinic_subscriptions', 'config_version_delete', 'AFTER DELETE',
            'REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT', 'clinic_input_removed'),
        ('clinic_subscriptions', 'plan_move_insert', 'AFTER INSERT',
            'REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT', 'note_plan_move'),
        ('clinic_subscriptions', 'plan_move_update', 'AFTER UPDATE',
            'REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT', 'note_plan_move'),
        -- A plan is inserted before any clinic can have it and deleted after the last one left.
        ('subscription_plans', 'config_version_update', 'AFTER UPDATE',
            'REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT',
            'plan_changed'),
        ('subscription_plans', 'plan_version_insert', 'AFTER INSERT',
            'REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT', 'note_plan_version'),
        ('subscription_plans', 'plan_version_update', 'AFTER UPDATE',
            'REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT', 'note_plan_version'),
        ('subscription_plans', 'plan_version_delete', 'AFTER DELETE',
            'REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT', 'note_plan_version'),
        ('api_usage', 'refuse_closed_month_insert', 'AFTER INSERT',
            'REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT', 'refuse_closed_months'),
        ('api_usage', 'refuse_closed_month_update', 'AFTER UPDATE',
            'REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT',
            'refuse_closed_months'),
        ('api_usage', 'refuse_closed_month_delete', 'AFTER DELETE',
            'REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT', 'refuse_closed_months')
    ) AS t (relation, name, event, form, handler)
    UNION ALL
    SELECT 'counts', 'public', t.relation, 'metering_' || e.name, e.event, e.form, NULL,
        coalesce(e.handler, t.handler)
    FROM (VALUES ('users', 'users_changed'), ('clinic_staff', 'staff_changed'),
        ('patients', 'patients_changed'), ('file_storage', 'files_changed'))
            AS t (relation, handler)
    CROSS JOIN (VALUES
        ('count_insert', 'AFTER INSERT', 'REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT',
            NULL),
        ('count_update', 'AFTER UPDATE',
            'REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT', NULL),
        ('count_delete', 'AFTER DELETE', 'REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT',
            NULL),
        ('count_truncate', 'AFTER TRUNCATE', 'FOR EACH STATEMENT', 'count_after_truncate'),
        ('refuse_truncate', 'BEFORE TRUNCATE', 'FOR EACH STATEMENT', 'refuse_truncate')
    ) AS e (name, event, form, handler)
    UNION ALL
    SELECT 'metering', 'metering', t.* FROM (VALUES
        ('usage_adjustment', 'adjustment_is_due', 'AFTER INSERT',
            'REFERENCING NEW TABLE AS added FOR EACH STATEMENT', NULL, 'adjustment_is_due'),
        ('clinic_counter', 'note_storage', 'AFTER UPDATE', 'FOR EACH ROW',
            '(old.storage_bytes IS DISTINCT FROM new.storage_bytes)', 'note_storage'),
        ('clinic_override', 'override_insert', 'AFTER INSERT',
            'REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT', NULL, 'override_changed'),
        ('clinic_override', 'override_update', 'AFTER UPDATE',
            'REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT', NULL, 'override_changed'),
        ('plan_change', 'plan_change_settled', 'AFTER UPDATE OF done_at, dropped_at',
            'FOR EACH ROW', '(new.next_try IS NOT NULL)', 'plan_change_settled'),
        ('clinic_terms', 'notify_insert', 'AFTER INSERT',
            'REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT', NULL, 'notify_terms'),
        ('clinic_terms', 'notify_update', 'AFTER UPDATE',
            'REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT', NULL, 'notify_terms'),
        -- Recording a key's last use changes none of these columns.
        ('api_key', 'notify_keys',
            'AFTER INSERT OR DELETE OR UPDATE OF hash, scopes, clinics, expires_at, revoked_at',
            'FOR EACH STATEMENT', NULL, 'notify_keys')
    ) AS t (relation, name, event, form, condition, handler)
), placed AS (
    -- A statement that names a partition fires only the partition's own statement triggers.
    SELECT w.trigger_group, c.oid AS relid, w.name, w.handler, w.condition,
        format('%I.%I', coalesce(n.nspname, w.schema), coalesce(c.relname, w.relation)) AS place,
        format('TRIGGER %I %s ON %I.%I %s%s EXECUTE FUNCTION metering.%I()', w.name, w.event,
            coalesce(n.nspname, w.schema), coalesce(c.relname, w.relation), w.form,
            coalesce(' WHEN ' || w.condition, ''), w.handler) AS definition,
        -- The bits of pg_trigger.tgtype.
        (w.form LIKE '%FOR EACH ROW')::int + 2 * (w.event LIKE 'BEFORE %')::int
            + 4 * (w.event LIKE '%INSERT%')::int + 8 * (w.event LIKE '%DELETE%')::int
            + 16 * (w.event LIKE '%UPDATE%')::int + 32 * (w.event LIKE '%TRUNCATE%')::int AS kind,
        substring(w.form FROM 'OLD TABLE AS ([a-z_]+)') AS old_table,
        substring(w.form FROM 'NEW TABLE AS ([a-z_]+)') AS new_table,
        substring(w.event FROM ' UPDATE OF (.+)$') AS columns
    FROM wanted w CROSS JOIN LATERAL (
        SELECT to_regclass(w.schema || '.' || w.relation) AS relid
        UNION SELECT p.relid FROM pg_partition_tree(to_regclass(w.schema || '.' || w.relation)) p
        WHERE w.form LIKE '%FOR EACH STATEMENT'
    ) AS tree
    LEFT JOIN pg_class c ON c.oid = tree.relid LEFT JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid IS NULL OR c.relkind IN ('r', 'p')
), present AS (
    SELECT t.oid, t.tgrelid AS relid, format('%I.%I', n.nspname, c.relname) AS place,
        n.nspname AS schema, t.tgname AS name, t.tgenabled IN ('O', 'A') AS is_enabled,
        f.nspname = 'metering' AS is_ours, t.tgparentid <> 0 AS is_clone, t.tgtype::int AS kind,
        t.tgoldtable::text AS old_table, t.tgnewtable::text AS new_table,
        p.proname::text AS handler, t.tgnargs = 0 AND t.tgconstraint = 0 AS is_plain,
        (SELECT string_agg(a.attname, ', ' ORDER BY k.place)
            FROM unnest(t.tgattr::int2[]) WITH ORDINALITY AS k (number, place)
            JOIN pg_attribute a ON a.attrelid = t.tgrelid AND a.attnum = k.number) AS columns,
        CASE WHEN t.tgqual IS NOT NULL THEN substring(replace(pg_get_triggerdef(t.oid), '"', '')
            FROM ' WHEN \((.+)\) EXECUTE FUNCTION ') END AS condition
    FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_namespace f ON f.oid = p.pronamespace
    JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE NOT t.tgisinternal OR t.tgparentid <> 0
), step AS (
    SELECT w.trigger_group, w.relid, w.place, 1 AS rank, w.name, h.oid IS NULL AS is_absent,
        (h.is_ours AND h.is_enabled) IS NOT TRUE AS is_missed,
        h.oid IS NOT NULL AND NOT h.is_ours AS is_taken,
        CASE WHEN h.is_ours THEN 'CREATE OR REPLACE ' ELSE 'CREATE ' END || w.definition AS statement
    FROM placed w LEFT JOIN present h ON h.relid = w.relid AND h.name = w.name AND NOT h.is_clone
    WHERE h.oid IS NULL OR NOT (h.is_ours AND h.is_plain)
       OR (h.kind, h.old_table, h.new_table, h.columns, h.condition, h.handler) IS DISTINCT FROM
            (w.kind, w.old_table, w.new_table, w.columns, w.condition, w.handler)
    UNION ALL
    SELECT w.trigger_group, w.relid, w.place, 2, w.name, false, true, false,
        format('ALTER TABLE %s ENABLE TRIGGER %I', w.place, w.name)
    FROM placed w JOIN present h ON h.relid = w.relid AND h.name = w.name
    WHERE h.is_ours AND NOT h.is_clone AND NOT h.is_enabled
    UNION ALL
    -- PostgreSQL makes a row trigger of a partitioned table for each partition, too.
    SELECT w.trigger_group, h.relid, h.place, 3, h.name, false, true, false,
        format('ALTER TABLE %s ENABLE TRIGGER %I', h.place, h.name)
    FROM present h JOIN (SELECT DISTINCT trigger_group, name, handler FROM placed) AS w
        ON w.name = h.name AND w.handler = h.handler
    WHERE h.is_ours AND h.is_clone AND NOT h.is_enabled
    UNION ALL
    SELECT w.trigger_group, h.relid, h.place, 0, h.name, false, false, false,
        format('DROP TRIGGER %I ON %s', h.name, h.place)
    FROM present h JOIN (SELECT DISTINCT trigger_group, relid FROM placed) AS w ON w.relid = h.relid
    WHERE h.is_ours AND NOT h.is_clone AND NOT EXISTS (
        SELECT FROM placed k WHERE k.relid = h.relid AND k.name = h.name)
    UNION ALL
    -- A table that is no longer a partition, or has another name, keeps its statement triggers.
    SELECT w.trigger_group, h.relid, h.place, 0, h.name, false, false, false,
        format('DROP TRIGGER %I ON %s', h.name, h.place)
    FROM present h JOIN (SELECT DISTINCT trigger_group, name, handler FROM wanted) AS w
        ON w.name = h.name AND w.handler = h.handler
    WHERE h.is_ours AND NOT h.is_clone AND h.schema <> 'metering'
      AND NOT EXISTS (SELECT FROM placed k WHERE k.relid = h.relid)
)
-- To create or replace a trigger needs the right TRIGGER; to drop or enable one, the table's owner.
SELECT s.trigger_group, s.place, s.relid IS NOT NULL AS is_there,
    string_agg(s.statement, '; ' ORDER BY s.rank, s.name) AS statement,
    string_agg(DISTINCT s.name::text, ', ' ORDER BY s.name::text) AS triggers,
    coalesce(array_agg(DISTINCT s.name::text) FILTER (WHERE s.is_missed), '{}') AS missed,
    coalesce(array_agg(DISTINCT s.name::text) FILTER (WHERE s.is_taken), '{}') AS taken,
    bool_and(s.is_absent) AND coalesce(bool_or(c.relispartition), false) AS is_new,
    CASE WHEN bool_or(CASE s.rank WHEN 1 THEN NOT has_table_privilege(s.relid, 'TRIGGER')
            ELSE NOT pg_has_role(c.relowner, 'USAGE') END)
        THEN format('GRANT %I TO %I', o.rolname, current_user) END AS remedy
FROM step s JOIN trigger_groups g ON g.name = s.trigger_group
LEFT JOIN pg_class c ON c.oid = s.relid LEFT JOIN pg_roles o ON o.oid = c.relowner
GROUP BY s.trigger_group, g.place, s.relid, s.place, o.rolname ORDER BY g.place, s.place
