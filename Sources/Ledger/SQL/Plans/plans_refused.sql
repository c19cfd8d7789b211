-- Plans whose newest version cannot be used, by number: the open findings of metering.attention.
-- Uses attention_open. Locks nothing.
SELECT a.subject, a.detail FROM metering.attention a
WHERE a.kind = 'refused_plan' AND a.clinic_id IS NULL AND a.resolved_at IS NULL
ORDER BY length(a.subject), a.subject LIMIT 1000
