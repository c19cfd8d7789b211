-- Why this database cannot be attached: each problem of its tables, and its remedy. Empty when
-- there is none. Reads the catalog only; locks nothing.
WITH named AS (
    SELECT n.name, c.oid AS relid, c.relkind, c.relowner
    FROM unnest(ARRAY['clinics', 'users', 'patients', 'visits', 'clinic_staff', 'audit_logs',
        'file_storage', 'subscription_plans', 'clinic_subscriptions', 'api_usage']) AS n (name)
    JOIN pg_class c ON c.oid = to_regclass('public.' || n.name)
), team AS (
    SELECT * FROM named WHERE relkind IN ('r', 'p')
), tree AS (
    -- With partitions, which get triggers and policies of their own.
    SELECT t.name, c.oid AS relid, format('%I.%I', n.nspname, c.relname) AS place
    FROM team t CROSS JOIN LATERAL (
        SELECT t.relid UNION SELECT p.relid FROM pg_partition_tree(t.relid) p
    ) AS part
    JOIN pg_class c ON c.oid = part.relid JOIN pg_namespace n ON n.oid = c.relnamespace
), needed AS (
    SELECT t.relation, t.col, CASE t.kind WHEN 'whole' THEN ARRAY['bigint', 'integer']
        WHEN 'text' THEN ARRAY['character varying', 'text'] ELSE ARRAY[t.kind] END AS types, t.more
    FROM (VALUES
        ('clinics', 'clinic_id', 'uuid', ''), ('clinics', 'name', 'text', ''),
        ('clinics', 'subdomain', 'text', ' UNIQUE'),
        ('clinics', 'created_at', 'timestamp with time zone', ' DEFAULT now()'),
        ('users', 'id', 'whole', ''),
        ('users', 'clinic_id', 'uuid', ' REFERENCES public.clinics (clinic_id)'),
        ('patients', 'id', 'whole', ''),
        ('patients', 'clinic_id', 'uuid', ' REFERENCES public.clinics (clinic_id)'),
        ('clinic_staff', 'clinic_id', 'uuid', ' REFERENCES public.clinics (clinic_id)'),
        ('clinic_staff', 'user_id', 'whole', ' REFERENCES public.users (id)'),
        ('audit_logs', 'clinic_id', 'uuid', ' REFERENCES public.clinics (clinic_id)'),
        ('audit_logs', 'action', 'text', ''), ('audit_logs', 'entity_type', 'text', ''),
        ('audit_logs', 'entity_id', 'bigint', ''), ('audit_logs', 'details', 'jsonb', ''),
        ('file_storage', 'clinic_id', 'uuid', ' REFERENCES public.clinics (clinic_id)'),
        ('subscription_plans', 'plan_id', 'whole', ''), ('subscription_plans', 'name', 'text', ''),
        ('subscription_plans', 'max_users', 'whole', ' NOT NULL DEFAULT -1'),
        ('subscription_plans', 'max_patients', 'whole', ' NOT NULL DEFAULT -1'),
        ('subscription_plans', 'features', 'jsonb', ' NOT NULL DEFAULT ''{}'''),
        ('clinic_subscriptions', 'clinic_id', 'uuid', ' REFERENCES public.clinics (clinic_id)'),
        ('clinic_subscriptions', 'plan_id', 'whole',
            ' REFERENCES public.subscription_plans (plan_id)'),
        ('clinic_subscriptions', 'start_date', 'date', ''),
        ('clinic_subscriptions', 'end_date', 'date', ''),
        ('clinic_subscriptions', 'payment_status', 'text', ''),
        ('api_usage', 'clinic_id', 'uuid', ' REFERENCES public.clinics (clinic_id)'),
        ('api_usage', 'month', 'date', ''), ('api_usage', 'api_calls', 'whole', ' DEFAULT 0'),
        ('api_usage', 'storage_used', 'bigint', ' DEFAULT 0')
    ) AS t (relation, col, kind, more)
), columns AS (
    SELECT n.relation, n.col, n.types, n.more, a.atttypid AS type,
        format_type(a.atttypid, NULL) AS found
    FROM needed n JOIN team t ON t.name = n.relation
    LEFT JOIN pg_attribute a ON a.attrelid = t.relid AND a.attname = n.col AND NOT a.attisdropped
), problem AS (
    SELECT 1 AS place, name AS relation, format('public.%I is not a table', name) AS what,
        format('rename it, or make it a table: ALTER … public.%I RENAME TO …', name) AS remedy
    FROM named WHERE relkind NOT IN ('r', 'p')
    UNION ALL
    SELECT 2, relation, format('public.%I has no column %I', relation, col),
        format('ALTER TABLE public.%I ADD COLUMN %I %s%s', relation, col, types[1], more)
    FROM columns WHERE found IS NULL
    UNION ALL
    SELECT 3, relation, format('public.%I.%I is %s', relation, col, found),
        format('ALTER TABLE public.%1$I ALTER COLUMN %2$I TYPE %3$s USING %2$I::%3$s', relation,
            col,
            types[1])
    FROM columns WHERE type <> ALL (types::regtype[]::oid[])
    UNION ALL
    SELECT 3, 'file_storage', format('public.file_storage.size_bytes is %s',
            format_type(a.atttypid, NULL)),
        'ALTER TABLE public.file_storage ALTER COLUMN size_bytes TYPE bigint USING size_bytes::bigint'
    FROM team t JOIN pg_attribute a ON a.attrelid = t.relid AND a.attname = 'size_bytes'
        AND NOT a.attisdropped AND a.atttypid NOT IN ('int4'::regtype, 'int8'::regtype)
    WHERE t.name = 'file_storage'
    UNION ALL
    SELECT 4, k.relation, format('public.%I has no key on (%s)', k.relation,
            array_to_string(k.cols, ', ')),
        format('ALTER TABLE public.%I ADD PRIMARY KEY (%s)', k.relation,
            array_to_string(k.cols, ', '))
    FROM (VALUES ('clinics', ARRAY['clinic_id']), ('users', ARRAY['id']), ('patients', ARRAY['id']),
        ('subscription_plans', ARRAY['plan_id']), ('clinic_subscriptions', ARRAY['clinic_id']),
        ('api_usage', ARRAY['clinic_id', 'month'])) AS k (relation, cols)
    JOIN team t ON t.name = k.relation
    WHERE (SELECT count(*) FROM columns c WHERE c.relation = k.relation AND c.found IS NOT NULL
            AND c.col = ANY (k.cols)) = cardinality(k.cols)
      AND NOT EXISTS (
        SELECT FROM pg_index i WHERE i.indrelid = t.relid AND i.indisunique AND i.indisvalid
          AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL
          AND i.indnkeyatts = cardinality(k.cols)
          AND k.cols @> ARRAY(SELECT a.attname::text FROM pg_attribute a
            WHERE a.attrelid = t.relid AND a.attnum = ANY (
                (i.indkey::int2[])[0:i.indnkeyatts - 1])))
    UNION ALL
    -- Statements of metering do not fill these columns.
    SELECT 5, t.name, format('public.%I.%I is NOT NULL without a default', t.name, a.attname),
        format('ALTER TABLE public.%I ALTER COLUMN %I DROP NOT NULL', t.name, a.attname)
    FROM team t JOIN pg_attribute a ON a.attrelid = t.relid AND a.attnum > 0 AND NOT a.attisdropped
        AND a.attnotnull AND NOT a.atthasdef AND a.attidentity = ''
    WHERE (t.name = 'api_usage' AND a.attname NOT IN (
            'clinic_id', 'month', 'api_calls', 'storage_used'))
       OR (t.name = 'audit_logs' AND a.attname NOT IN (
            'clinic_id', 'action', 'entity_type', 'entity_id', 'details'))
    UNION ALL
    SELECT 6, t.name, format('public.%I is partitioned and has no index on (%s)', t.name, k.col),
        format('CREATE INDEX ON ONLY public.%I (%s), CREATE INDEX CONCURRENTLY on each partition,'
            ' then ALTER INDEX … ATTACH PARTITION', t.name, k.col)
    FROM (VALUES ('users', 'clinic_id'), ('patients', 'clinic_id'), ('file_storage', 'clinic_id'),
        ('clinic_subscriptions', 'plan_id'), ('api_usage', 'month')) AS k (relation, col)
    JOIN team t ON t.name = k.relation AND t.relkind = 'p'
    JOIN columns c ON c.relation = k.relation AND c.col = k.col AND c.found IS NOT NULL
    WHERE NOT EXISTS (
        SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = t.relid
            AND a.attnum = i.indkey[0]
        WHERE i.indrelid = t.relid AND i.indpred IS NULL AND a.attname = k.col)
    UNION ALL
    SELECT 7, t.name, format('public.%I belongs to %s, and this login is not a member of it',
        t.name,
            t.relowner::regrole),
        format('connect as a login that owns all of these tables, or: GRANT %s TO %I',
            t.relowner::regrole, current_user)
    FROM team t WHERE NOT pg_has_role(current_user, t.relowner, 'USAGE')
    UNION ALL
    SELECT 8, t.name,
        format('public.%I has the restrictive policy %I for all roles, which would hide'
            ' rows from counting', t.name, p.polname),
        format('ALTER POLICY %I ON public.%I TO <the roles it is meant for>', p.polname, t.name)
    FROM team t JOIN pg_policy p ON p.polrelid = t.relid AND NOT p.polpermissive
    WHERE 0 = ANY (p.polroles)
    UNION ALL
    SELECT 9, '', 'this login cannot grant CREATE on schema public',
        format('GRANT CREATE ON SCHEMA public TO %I WITH GRANT OPTION', current_user)
    WHERE NOT has_schema_privilege(current_user, 'public', 'CREATE WITH GRANT OPTION')
    UNION ALL
    SELECT 10, '', 'this login does not inherit the rights of its roles',
        format('ALTER ROLE %I INHERIT', current_user)
    FROM pg_roles WHERE rolname = current_user AND NOT rolinherit AND NOT rolsuper
    UNION ALL
    SELECT 11, t.name,
        format('the constraint %I of payment_status does not name all of the eight values',
            k.conname),
        format('ALTER TABLE public.clinic_subscriptions DROP CONSTRAINT %I', k.conname)
    FROM team t JOIN pg_constraint k ON k.conrelid = t.relid AND k.contype = 'c'
    JOIN pg_attribute a ON a.attrelid = t.relid AND a.attnum = ANY (k.conkey)
        AND a.attname = 'payment_status'
    WHERE t.name = 'clinic_subscriptions' AND EXISTS (
        SELECT FROM unnest(ARRAY['incomplete', 'trialing', 'active', 'past_due', 'suspended', 'paused',
            'canceled', 'expired']) AS status
        WHERE strpos(pg_get_constraintdef(k.oid), quote_literal(status)) = 0)
    UNION ALL
    SELECT 11, t.name, 'public.clinic_subscriptions.payment_status is too short for its values',
        'ALTER TABLE public.clinic_subscriptions ALTER COLUMN payment_status TYPE varchar(20)'
    FROM team t JOIN pg_attribute a ON a.attrelid = t.relid AND a.attname = 'payment_status'
    WHERE t.name = 'clinic_subscriptions' AND a.atttypmod BETWEEN 5 AND 13
    UNION ALL
    -- What has one of our names and is not ours. An interrupted run leaves some that are.
    SELECT 12, t.name, format('%s has a trigger %I of its own', t.place, g.tgname),
        format('ALTER TRIGGER %I ON %s RENAME TO <another name>', g.tgname, t.place)
    FROM tree t JOIN pg_trigger g ON g.tgrelid = t.relid AND g.tgname LIKE 'metering\_%'
    JOIN pg_proc p ON p.oid = g.tgfoid JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE NOT g.tgisinternal AND g.tgparentid = 0 AND n.nspname <> 'metering'
    UNION ALL
    SELECT 13, t.name, format('%s has a policy %I of its own', t.place, p.polname),
        format('ALTER POLICY %I ON %s RENAME TO <another name>', p.polname, t.place)
    FROM tree t JOIN pg_policy p ON p.polrelid = t.relid
    JOIN (VALUES ('metering_owner_all', ARRAY['metering_owner']),
        ('metering_reads', ARRAY['billing_admin', 'billing_viewer', 'metering_worker']),
        ('metering_writes', ARRAY['metering_worker']), ('metering_plans', ARRAY['billing_admin']),
        ('metering_app', ARRAY['clinic_app'])) AS ours (name, roles) ON ours.name = p.polname
    WHERE NOT p.polpermissive OR ours.roles <> ARRAY(
        SELECT r.rolname::text FROM pg_roles r WHERE r.oid = ANY (p.polroles) ORDER BY r.rolname)
    UNION ALL
    SELECT 14, t.name, format('public.%I has a constraint %I of its own', t.name, k.conname),
        format('ALTER TABLE public.%I RENAME CONSTRAINT %I TO <another name>', t.name, k.conname)
    FROM (VALUES ('file_storage', 'metering_size_bytes_check', 'CHECK ((size_bytes >= 0))%'),
        ('clinic_subscriptions', 'metering_payment_status_check', 'CHECK (%payment_status%')
    ) AS ours (relation, name, form)
    JOIN team t ON t.name = ours.relation
    JOIN pg_constraint k ON k.conrelid = t.relid AND k.conname = ours.name
    WHERE replace(pg_get_constraintdef(k.oid), '"', '') NOT LIKE ours.form
    UNION ALL
    SELECT 15, ours.relation, format('public.%I is %s of its own', c.relname,
            CASE WHEN c.relkind IN ('i', 'I') THEN 'an index' ELSE 'a relation' END),
        format('ALTER %s public.%I RENAME TO <another name>',
            CASE c.relkind WHEN 'i' THEN 'INDEX' WHEN 'I' THEN 'INDEX' WHEN 'v' THEN 'VIEW'
                WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END,
            c.relname)
    FROM (VALUES ('users', 'metering_users_clinic', 'btree (clinic_id)'),
        ('patients', 'metering_patients_clinic', 'btree (clinic_id)'),
        ('file_storage', 'metering_file_storage_clinic', 'btree (clinic_id) INCLUDE (size_bytes)'),
        ('file_storage', 'metering_file_storage_unsized',
            'btree (clinic_id) WHERE (COALESCE(size_bytes, %) = 0)'),
        ('clinic_subscriptions', 'metering_clinic_subscriptions_plan', 'btree (plan_id)'),
        ('api_usage', 'metering_api_usage_month', 'btree (month, clinic_id)')
    ) AS ours (relation, name, form)
    JOIN pg_class c ON c.relname = ours.name AND c.relnamespace = 'public'::regnamespace
    LEFT JOIN pg_index i ON i.indexrelid = c.oid
        AND i.indrelid = to_regclass('public.' || ours.relation)
    WHERE (substring(replace(pg_get_indexdef(i.indexrelid), '"', '') FROM ' USING (.+)$')
        LIKE ours.form) IS NOT TRUE
)
SELECT what, remedy FROM problem ORDER BY place, relation, what
