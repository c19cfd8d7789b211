import DatabaseSupport
import Ledger
import Metering
import Postgres
import TestSupport
import Testing

/// What a database of a team's own does beside plain inserts, and the counters still agree.
@Suite(.timed) struct `Counting by triggers` {
    private static let clinic = `Limits in the database`.clinic
    private static let other = `Limits in the database`.other

    @Test func `follows MERGE, which inserts, moves and deletes in one statement`() async throws {
        try await TestDatabase.lend { database in
            try await database.limitedClinics(users: -1, patients: 3, storage: nil)
            try await database.owner.script(
                """
                INSERT INTO patients (id, name, clinic_id)
                SELECT i, 'p', '\(Self.clinic)' FROM generate_series(101, 103) AS i;
                MERGE INTO patients p USING (VALUES (101), (102), (104), (105)) AS v (id)
                ON p.id = v.id
                WHEN MATCHED AND v.id = 101 THEN DELETE
                WHEN MATCHED THEN UPDATE SET clinic_id = '\(Self.other)'
                WHEN NOT MATCHED THEN INSERT (id, name, clinic_id)
                    VALUES (v.id, 'n', '\(Self.other)');
                """)
            #expect(try await database.counters() == ["1: 0 1 0", "2: 0 3 0"])
            try await database.expectNoDrift()
        }
    }

    @Test func `survives triggers of the team that delete or move the row being inserted`()
        async throws
    {
        try await TestDatabase.lend { database in
            try await database.limitedClinics(users: 1, patients: 1, storage: nil)
            for table in ["users", "patients"] {
                try await database.owner.script(
                    """
                    CREATE FUNCTION \(table)_meddle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                        IF NEW.id % 2 = 1 THEN
                            DELETE FROM \(table) WHERE id = NEW.id;
                        ELSE
                            UPDATE \(table) SET clinic_id = '\(Self.other)' WHERE id = NEW.id;
                        END IF;
                        RETURN NULL;
                    END $$;
                    CREATE TRIGGER meddle AFTER INSERT ON \(table)
                    FOR EACH ROW EXECUTE FUNCTION \(table)_meddle();
                    """)
            }
            try await database.owner.script(
                """
                INSERT INTO users (id, email, clinic_id) VALUES (101, 'u', '\(Self.clinic)');
                INSERT INTO users (id, email, clinic_id) VALUES (102, 'u', '\(Self.clinic)');
                INSERT INTO patients (id, name, clinic_id) VALUES (101, 'p', '\(Self.clinic)');
                INSERT INTO patients (id, name, clinic_id) VALUES (102, 'p', '\(Self.clinic)');
                """)
            #expect(try await database.counters() == ["1: 0 0 0", "2: 1 1 0"])
            try await database.expectNoDrift()
        }
    }

    @Test func `forgets what a savepoint takes back, and frees its capacity`() async throws {
        try await TestDatabase.lend { database in
            try await database.limitedClinics(users: 2, patients: 2, storage: nil)
            let add = `Limits in the database`.people(2) + `Limits in the database`.patients(2)
            #expect(
                try await database.refusal(
                    of: "SAVEPOINT a; \(add) ROLLBACK TO a; \(add) ROLLBACK TO a; \(add)") == nil)
            #expect(try await database.counters() == ["1: 2 2 0"])
            try await database.expectNoDrift()
        }
    }

    @Test func `takes a new number of a person as the same person`() async throws {
        try await TestDatabase.lend { database in
            try await database.limitedClinics(users: 2, patients: -1, storage: nil)
            try await database.owner.script(
                `Limits in the database`.people(2)
                    + "UPDATE users SET id = id + 100; UPDATE users SET clinic_id = NULL;"
                    + "UPDATE users SET clinic_id = '\(Self.clinic)', id = id + 1000;")
            #expect(try await database.counters() == ["1: 2 0 0"])
            try await database.expectNoDrift()
        }
    }

    @Test func `leaves nothing behind of a clinic that was deleted with all it had`() async throws {
        try await TestDatabase.lend { database in
            try await database.limitedClinics(users: 5, patients: 5, storage: 50)
            for table in [
                "users", "patients", "file_storage", "clinic_staff", "clinic_subscriptions",
            ] {
                try await database.owner.script(
                    """
                    ALTER TABLE \(table) DROP CONSTRAINT \(table)_clinic_id_fkey,
                    ADD FOREIGN KEY (clinic_id) REFERENCES clinics ON DELETE CASCADE;
                    """)
            }
            try await database.owner.script(
                `Limits in the database`.people(2) + `Limits in the database`.patients(3)
                    + `Limits in the database`.file(7)
                    + "INSERT INTO clinic_staff SELECT clinic_id, id, 'DENTIST' FROM users;")
            try await database.owner.script(
                """
                ALTER TABLE clinic_staff DROP CONSTRAINT clinic_staff_user_id_fkey,
                ADD FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE;
                INSERT INTO metering.seat_reservation (clinic_id, key, until)
                VALUES ('\(Self.clinic)', 'x', now() + interval '1 day');
                DELETE FROM clinics WHERE clinic_id = '\(Self.clinic)';
                """)
            #expect(try await database.counters() == ["1: 0 0 0"])
            try await database.expectNoDrift()
            #expect(try await database.counters() == ["2: 0 0 0"])
            let left = try await database.owner.ask(
                """
                SELECT (SELECT count(*) FROM metering.clinic_seat)
                    + (SELECT count(*) FROM metering.seat_reservation)
                """)
            #expect(try left[0].int64(0) == 0)
        }
    }

    @Test func `sees statements that name a partition`() async throws {
        try await TestDatabase.lend { database in
            try await database.limitedClinics(users: -1, patients: 3, storage: nil)
            // As a team would that has grown: the same table, partitioned by clinic.
            try await database.owner.script(
                """
                SET ROLE metering_owner;
                DROP TABLE patients CASCADE;
                CREATE TABLE patients (id bigserial, name text, clinic_id uuid NOT NULL,
                    PRIMARY KEY (id, clinic_id)) PARTITION BY HASH (clinic_id);
                CREATE TABLE patients_0 PARTITION OF patients
                    FOR VALUES WITH (MODULUS 2, REMAINDER 0);
                CREATE TABLE patients_1 PARTITION OF patients
                    FOR VALUES WITH (MODULUS 2, REMAINDER 1);
                RESET ROLE;
                """)
            let made = try await Migrator(pool: database.owner).apply().statements
            #expect(made.count == 3)
            try await database.owner.script(`Limits in the database`.patients(1))
            let rows = try await database.owner.ask("SELECT tableoid::regclass::text FROM patients")
            let part = try rows[0].text(0)
            try await database.owner.script(
                "INSERT INTO \(part) (name, clinic_id) VALUES ('p', '\(Self.clinic)')")
            // The count that came with the triggers made a row for each clinic.
            #expect(try await database.counters() == ["1: 0 2 0", "2: 0 0 0"])
            let more = "INSERT INTO \(part) (name, clinic_id) SELECT 'p', clinic_id FROM \(part);"
            #expect(try await database.refusal(of: more)?.sqlState == "BQ002")
            // From one partition to another: an update of the parent.
            try await database.owner.script("UPDATE patients SET clinic_id = '\(Self.other)'")
            #expect(try await database.counters() == ["1: 0 0 0", "2: 0 2 0"])
            #expect(try await database.refusal(of: "TRUNCATE \(part);")?.sqlState == "BQ004")
            try await database.expectNoDrift()
        }
    }

    @Test func `does not take rows that a policy hides for rows that are gone`() async throws {
        try await TestDatabase.lend { database in
            try await database.limitedClinics(users: -1, patients: 3, storage: nil)
            try await database.owner.script(
                `Limits in the database`.patients(3)
                    + "ALTER TABLE patients FORCE ROW LEVEL SECURITY;")
            let error = await #expect(throws: LedgerError.self) {
                try await database.ledger.limits.recount()
            }
            #expect("\(error, default: "")".contains("42501"))
            #expect(try await database.counters() == ["1: 0 3 0"])
        }
    }

    @Test func `leaves out a clinic whose counter is held, and counts the others`() async throws {
        try await TestDatabase.lend { database in
            try await database.limitedClinics(users: -1, patients: -1, storage: nil)
            try await database.owner.script(
                `Limits in the database`.patients(3)
                    + "UPDATE metering.clinic_counter SET patients = 1;"
                    + "ALTER FUNCTION metering.recount SET lock_timeout = '50ms';")
            try await database.owner.transaction { holder in
                try await holder.script(`Limits in the database`.patients(1))
                #expect(
                    try await database.ledger.limits.recount()
                        == RecountOutcome(clinics: 2, skipped: 1))
            }
            #expect(
                try await database.ledger.limits.recount(rests: 1) == RecountOutcome(clinics: 2))
            #expect(try await database.counters() == ["1: 0 4 0", "2: 0 0 0"])
        }
    }

    @Test func `takes 100,000 people and 1,000 clinics in one statement`() async throws {
        try await TestDatabase.lend { database in
            try await database.makeClinics(1_000)
            let plan = try await database.makePlan("Large")
            try await database.owner.script(
                """
                UPDATE subscription_plans SET max_users = 100, max_patients = 100;
                INSERT INTO clinic_subscriptions SELECT clinic_id, \(plan), '2026-01-01',
                    '2027-01-01', 'active' FROM clinics;
                """)
            // A small one before, so that plans are made for few rows.
            try await database.owner.withConnection { connection in
                for count in [1_000, 98_000, 1_000] {
                    try await connection.script(
                        """
                        INSERT INTO users (email, clinic_id) SELECT 'u', clinic_id
                        FROM clinics, generate_series(1, \(count / 1_000));
                        """)
                }
            }
            let more = "INSERT INTO users (email, clinic_id) SELECT 'u', clinic_id FROM clinics;"
            #expect(try await database.refusal(of: more)?.sqlState == "BQ001")
            try await database.owner.script(
                "UPDATE users SET email = 'v'; DELETE FROM users WHERE id % 2 = 0;")
            let rows = try await database.owner.ask(
                "SELECT sum(users)::bigint FROM metering.clinic_counter")
            #expect(try rows[0].int64(0) == 50_000)
            try await database.expectNoDrift()
        }
    }
}
