-- SHA-256 of texts, in their order.
--   $1 texts text[]
SELECT sha256(convert_to(item.body, 'UTF8')) AS checksum
FROM unnest($1::text[]) WITH ORDINALITY AS item (body, place) ORDER BY item.place
