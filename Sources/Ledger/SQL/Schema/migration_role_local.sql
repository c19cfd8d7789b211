-- Makes the rest of a transaction act as the owner of everything.
SET LOCAL ROLE metering_owner
