-- Records the orderly end of a worker: everything it saw is written.
--   $1 worker_id text
DELETE FROM metering.worker_heartbeat WHERE worker_id = $1::text
