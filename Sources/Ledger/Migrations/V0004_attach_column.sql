-- answers statements for the connecting role
-- An existing database: the size of a file. Neither statement reads a row while others wait: old rows
-- get their 0 from the catalog, and the check is made with writers at work. A column size_bytes that
-- the team has already is used as it is.
SELECT 'ALTER TABLE public.file_storage ADD COLUMN size_bytes bigint NOT NULL DEFAULT 0,'
        ' ADD CONSTRAINT file_storage_size_bytes_check CHECK (size_bytes >= 0) NOT VALID' AS statement,
    false AS runs_alone
WHERE to_regclass('public.file_storage') IS NOT NULL AND NOT EXISTS (
    SELECT FROM pg_attribute WHERE attrelid = to_regclass('public.file_storage')
      AND attname = 'size_bytes' AND NOT attisdropped)
UNION ALL
SELECT 'ALTER TABLE public.file_storage VALIDATE CONSTRAINT file_storage_size_bytes_check', false
FROM pg_constraint WHERE conrelid = to_regclass('public.file_storage')
  AND conname = 'file_storage_size_bytes_check' AND NOT convalidated
