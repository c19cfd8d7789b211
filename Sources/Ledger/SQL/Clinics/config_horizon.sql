-- The lowest transaction id that may still be open: all below have committed or never will.
-- Take it before the first read of settings, then ask for changes from here on.
SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS horizon
