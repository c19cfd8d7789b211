-- Gives up a lock in this transaction after half a second. Other sessions queue behind it no longer
-- than that, and a deadlock cannot abort one of them (deadlock_timeout is a second).
SET LOCAL lock_timeout = '500ms'
