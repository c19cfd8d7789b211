-- Takes the tables of a group of triggers over, after its triggers are in place; NULL, or what
-- cannot be redone.
--   $1 group text      $2 names text[] of its triggers that missed changes
-- Locks the group's tables against writing until the end of the transaction.
SELECT metering.take_over($1::text, $2::text[]) AS lost
