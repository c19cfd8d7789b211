-- Makes the planner look up rows by index until commit, even in a table that PostgreSQL knows to be
-- empty. Reading such a table whole for each row costs nothing when it is planned, but a minute
-- once another connection has filled it. The estimated cost then looks so high that PostgreSQL
-- would compile the plan; that is switched off.
SELECT set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true)
