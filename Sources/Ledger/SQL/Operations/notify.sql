-- Notifies listening sessions at COMMIT.
--   $1 channel text      $2 payload text, below 8,000 bytes
-- COMMIT takes the one lock of the server's queue of messages.
SELECT pg_notify($1::text, $2::text)
