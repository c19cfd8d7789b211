-- Ends migration_role_set.
RESET ROLE
