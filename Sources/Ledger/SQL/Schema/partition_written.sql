-- Whether rows were ever written to a partition, by the size of its files. Row security cannot hide
-- them. A partition that is not a table of this server counts as written.
--   $1 place text, its name with its schema, quoted
SELECT NOT coalesce(bool_and(NOT t.isleaf OR c.relkind = 'r' AND pg_relation_size(c.oid) = 0), false)
    AS is_written
FROM pg_partition_tree(to_regclass($1::text)) t JOIN pg_class c ON c.oid = t.relid
