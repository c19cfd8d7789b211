-- The metrics about PostgreSQL: the name of a metric, the value of its one label ('' when it has
-- none), and a whole number: a count, or an age in seconds. No row where there is nothing to
-- report.
-- Rows are counted up to 100,000 of a kind, so that a long list costs no more.
-- The age of the report is that of report_age for the current month. Reads usage_month (64 rows a
-- month), the latest job_run, the open rows of outbox and attention, heartbeats, quarantine and
-- redis_stamp; locks nothing.
WITH month AS (
    SELECT min(rolled_up_at) FILTER (WHERE due
        AND month = date_trunc('month', now() AT TIME ZONE 'UTC')::date)
            AS oldest_due, max(rolled_up_at) AS latest, count(*) FILTER (WHERE due) AS waiting,
        count(*) FILTER (WHERE month = date_trunc('month', now() AT TIME ZONE 'UTC')::date) AS parts
    FROM metering.usage_month
), counted AS (
    SELECT max(started_at) AS latest FROM metering.job_run
    WHERE ok AND (job IN ('sweep', 'rollup') OR job = 'checkpoint' AND finished_at <
        coalesce((SELECT min(w.started_at) FROM metering.worker_heartbeat w), 'infinity'))
), waiting AS (
    SELECT (SELECT count(*) FROM (SELECT FROM metering.outbox
        WHERE done_at IS NULL LIMIT 100000) o) AS messages,
        (SELECT created_at FROM metering.outbox WHERE done_at IS NULL ORDER BY id LIMIT 1) AS oldest
), signs AS (
    SELECT count(*) FILTER (WHERE seen_at > now() - interval '30 seconds') AS alive,
        count(*) FILTER (WHERE seen_at <= now() - interval '30 seconds') AS silent
    FROM metering.worker_heartbeat
)
SELECT f.name, f.label, f.value::bigint AS value FROM (
    SELECT 'metering_report_age_seconds' AS name, '' AS label,
        extract(epoch FROM now() - 
            least(m.oldest_due, coalesce(c.latest, m.latest), now())) AS value
    FROM month m, counted c WHERE m.parts > 0
    UNION ALL SELECT 'metering_rollup_age_seconds', '', extract(epoch FROM now() - latest)
        FROM month
    UNION ALL SELECT 'metering_rollup_waiting_parts', '', waiting FROM month
    UNION ALL SELECT 'metering_outbox_open_messages', '', messages FROM waiting
    UNION ALL SELECT 'metering_outbox_age_seconds', '',
        coalesce(extract(epoch FROM now() - oldest), 0) FROM waiting
    UNION ALL SELECT 'metering_workers', 'alive', alive FROM signs
    UNION ALL SELECT 'metering_workers', 'silent', silent FROM signs
    UNION ALL SELECT 'metering_quarantined_counts', '', count(*)
        FROM (SELECT FROM metering.quarantine LIMIT 100000) q
    UNION ALL SELECT 'metering_redis_stamps', '', count(*) FROM metering.redis_stamp
    UNION ALL SELECT 'metering_attention_open', kind, count(*)
        FROM (SELECT kind FROM metering.attention WHERE resolved_at IS NULL LIMIT 100000) a
            GROUP BY kind
) f
WHERE f.value IS NOT NULL ORDER BY f.name, f.label
