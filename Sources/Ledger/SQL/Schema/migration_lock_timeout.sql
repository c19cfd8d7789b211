-- Gives up a lock in this transaction after half a second: who comes later waits behind us no longer
-- than that, and no deadlock is found at somebody else's cost (deadlock_timeout is a second).
SET LOCAL lock_timeout = '500ms'
