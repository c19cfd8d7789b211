-- returns statements for the connecting role
-- Statements that correct the triggers on the application's tables, one row for each table that
-- differs. A missing, disabled or different trigger is created again; one of metering that is no
-- longer wanted is dropped; the team's triggers are not touched. Each statement locks its table
-- against writes for a moment. triggers names those that differ; remedy is the right that the
-- connecting role lacks for the statement, or NULL. Reads the catalog only, and not the text of
-- triggers, which depends on search_path and quote_all_identifiers.
--
-- They are statements of the connecting role because metering_owner may create and replace triggers
-- on tables of the team, but not drop or enable them.
--
-- Names start with metering_, so they cannot clash with the team's. For one event PostgreSQL fires
-- row triggers before statement triggers, and each kind in the order of names. metering relies on
-- two orders: metering_config_version_* locks the rows of plans before metering_plan_version_* and
-- metering_plan_move_* write. The order among the team's triggers does not matter:
-- metering_adopt_status sees what BEFORE triggers wrote whose names sort before it;
-- metering_subscription_written runs after all of them and adopts what the others wrote.
WITH wanted AS (
    SELECT * FROM (VALUES
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
    SELECT t.relation, e.name, e.event, e.form, coalesce(e.handler, t.handler)
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
), placed AS (
    -- A statement that names a partition fires only the partition's own statement triggers.
    SELECT w.relation, c.oid AS relid, format('%I.%I', n.nspname, c.relname) AS place,
        'metering_' || w.name AS name, format(
            'TRIGGER %I %s ON %I.%I %s EXECUTE FUNCTION metering.%I()', 'metering_' || w.name, w.event,
            n.nspname, c.relname, w.form, w.handler) AS definition,
        -- The bits of pg_trigger.tgtype.
        (w.form LIKE '%FOR EACH ROW')::int + 2 * (w.event LIKE 'BEFORE %')::int
            + 4 * (w.event LIKE '%INSERT%')::int + 8 * (w.event LIKE '%DELETE%')::int
            + 16 * (w.event LIKE '%UPDATE%')::int + 32 * (w.event LIKE '%TRUNCATE%')::int AS kind,
        CASE WHEN w.form LIKE '%OLD TABLE AS old_rows%' THEN 'old_rows' END AS old_table,
        CASE WHEN w.form LIKE '%NEW TABLE AS new_rows%' THEN 'new_rows' END AS new_table,
        w.handler
    FROM wanted w CROSS JOIN LATERAL (
        SELECT to_regclass('public.' || w.relation) AS relid
        UNION SELECT p.relid FROM pg_partition_tree(to_regclass('public.' || w.relation)) p
        WHERE w.form LIKE '%FOR EACH STATEMENT'
    ) AS tree
    JOIN pg_class c ON c.oid = tree.relid AND c.relkind IN ('r', 'p')
    JOIN pg_namespace n ON n.oid = c.relnamespace
), present AS (
    SELECT t.oid, t.tgrelid AS relid, t.tgname AS name, t.tgenabled IN ('O', 'A') AS is_enabled,
        f.nspname = 'metering' AS is_ours, t.tgtype::int AS kind, t.tgoldtable::text AS old_table,
        t.tgnewtable::text AS new_table, p.proname::text AS handler,
        t.tgattr::text = '' AND t.tgqual IS NULL AND t.tgnargs = 0 AND t.tgconstraint = 0 AS is_plain
    FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_namespace f ON f.oid = p.pronamespace
    WHERE NOT t.tgisinternal AND t.tgparentid = 0
), step AS (
    SELECT w.relation, w.relid, w.place, 1 AS rank, w.name,
        CASE WHEN h.is_ours THEN 'CREATE OR REPLACE ' ELSE 'CREATE ' END || w.definition AS statement
    FROM placed w LEFT JOIN present h ON h.relid = w.relid AND h.name = w.name
    WHERE h.oid IS NULL OR NOT (h.is_ours AND h.is_plain)
       OR (h.kind, h.old_table, h.new_table, h.handler)
            IS DISTINCT FROM (w.kind, w.old_table, w.new_table, w.handler)
    UNION ALL
    SELECT w.relation, w.relid, w.place, 2, w.name, format('ALTER TABLE %s ENABLE TRIGGER %I', w.place, w.name)
    FROM placed w JOIN present h ON h.relid = w.relid AND h.name = w.name
    WHERE h.is_ours AND NOT h.is_enabled
    UNION ALL
    SELECT w.relation, w.relid, w.place, 0, h.name, format('DROP TRIGGER %I ON %s', h.name, w.place)
    FROM (SELECT DISTINCT relation, relid, place FROM placed) AS w JOIN present h ON h.relid = w.relid
    WHERE h.is_ours AND NOT EXISTS (
        SELECT FROM placed k WHERE k.relid = h.relid AND k.name = h.name)
)
-- To create or replace a trigger needs the right TRIGGER; to drop or enable one, the table's owner.
SELECT s.relation, s.place, string_agg(s.statement, '; ' ORDER BY s.rank, s.name) AS statement,
    false AS runs_alone, string_agg(DISTINCT s.name::text, ', ' ORDER BY s.name::text) AS triggers,
    CASE WHEN bool_or(CASE s.rank WHEN 1 THEN NOT has_table_privilege(s.relid, 'TRIGGER')
            ELSE NOT pg_has_role(c.relowner, 'USAGE') END)
        THEN format('GRANT %I TO %I', o.rolname, current_user) END AS remedy
FROM step s JOIN pg_class c ON c.oid = s.relid JOIN pg_roles o ON o.oid = c.relowner
GROUP BY s.relation, s.place, o.rolname ORDER BY s.relation, s.place
