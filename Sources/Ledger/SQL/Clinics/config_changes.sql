-- Clinics whose config version was raised by a transaction after a place in (xid, clinic) order.
--   $1 xid8 as text      $2 uuid (the clinic named last)      $3 rows at most, int
-- One row without a clinic when there are none: horizon is always returned. Ids from the future
-- belong to another database (a restored dump) and are left out.
-- Uses clinic_terms_changed. Locks nothing.
SELECT now.horizon, changed.clinic_id, changed.config_version,
    changed.changed_xid::text AS changed_xid
FROM (
    SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS horizon,
        pg_snapshot_xmax(pg_current_snapshot()) AS future
) AS now
LEFT JOIN LATERAL (
    SELECT v.clinic_id, v.config_version, v.changed_xid FROM metering.clinic_terms v
    WHERE (v.changed_xid, v.clinic_id) > ($1::text::xid8, $2::uuid) AND v.changed_xid < now.future
    ORDER BY v.changed_xid, v.clinic_id LIMIT $3::int
) AS changed ON true
ORDER BY changed.changed_xid, changed.clinic_id
