-- Open findings of metering.attention by kind, with the latest of each; refused plans have a list
-- of their own. Uses attention_open; locks nothing.
SELECT DISTINCT ON (a.kind) a.kind, count(*) OVER (PARTITION BY a.kind) AS found, a.clinic_id,
    a.subject,
    a.detail
FROM metering.attention a WHERE a.resolved_at IS NULL AND a.kind <> 'refused_plan'
ORDER BY a.kind, a.last_seen DESC, a.id DESC
