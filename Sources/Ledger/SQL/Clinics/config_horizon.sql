-- The lowest transaction id that may still be open: all below have committed or never will.
-- Read it before the first read of terms, then read changes from here on.
SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS horizon
