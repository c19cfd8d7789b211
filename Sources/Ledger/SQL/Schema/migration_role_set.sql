-- Makes the session act as the owner of everything: for files outside a transaction.
SET ROLE metering_owner
