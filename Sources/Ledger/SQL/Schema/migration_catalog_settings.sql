-- Settings of this transaction in which the catalog returns the same texts to every login.
SELECT set_config('search_path', 'pg_catalog', true),
    set_config('quote_all_identifiers', 'off', true)
