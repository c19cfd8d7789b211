-- Has rows looked up by index until commit, also in a table that PostgreSQL knows to be empty.
-- Reading such a table whole for each row costs nothing when it is planned, and a minute once another connection fills
-- it meanwhile. The price then looks so high that compiling the plan would be tried; that is switched off.
SELECT set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true)
