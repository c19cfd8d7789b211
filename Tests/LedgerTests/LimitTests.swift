import DatabaseSupport
import Ledger
import Metering
import Postgres
import TestSupport
import Testing

/// Seats, patients and storage as the database keeps them.
@Suite(.timed) struct `Limits in the database` {
    static let clinic = ClinicID.numbered(1)
    static let other = ClinicID.numbered(2)

    @Test func `refuse what goes over the plan, with numbers that a program can read`() async throws
    {
        try await TestDatabase.lend { database in
            try await database.limitedClinics(users: 2, patients: 3, storage: 100)
            try await database.owner.script(Self.people(2) + Self.patients(3) + Self.file(60))
            let cases: [(SQLState, String, [Int])] = [
                ("BQ001", Self.people(1), [2, 2, 1]), ("BQ002", Self.patients(4), [3, 3, 4]),
                ("BQ003", Self.file(41), [100, 60, 41]),
            ]
            for (state, text, numbers) in cases {
                let refusal = try await database.refusal(of: text)
                #expect(refusal?.sqlState == state)
                let detail =
                    "{\"limit\" : \(numbers[0]), \"used\" : \(numbers[1]), \"asked\" : \(numbers[2])}"
                #expect(refusal?.unsafeDetail == detail)
            }
            #expect(try await database.counters() == ["1: 2 3 60"])
            try await database.expectNoDrift()
        }
    }

    @Test func `count a person once, however he belongs to the clinic`() async throws {
        try await TestDatabase.lend { database in
            try await database.limitedClinics(users: 2, patients: -1, storage: nil)
            try await database.owner.script(
                Self.people(2)
                    + "INSERT INTO clinic_staff SELECT clinic_id, id, 'DENTIST' FROM users;")
            #expect(try await database.counters() == ["1: 2 0 0"])
            // Of another clinic, and staff of this one: a third seat here.
            try await database.owner.script(
                "INSERT INTO users (id, email, clinic_id) VALUES (90, 'x', '\(Self.other)');")
            let staff = "INSERT INTO clinic_staff VALUES ('\(Self.clinic)', 90, 'DENTIST');"
            #expect(try await database.refusal(of: staff)?.sqlState == "BQ001")
            try await database.owner.script(
                """
                DELETE FROM clinic_staff WHERE user_id = (SELECT min(id) FROM users);
                UPDATE users SET clinic_id = NULL WHERE id = (SELECT min(id) FROM users);
                """ + staff)
            #expect(try await database.counters() == ["1: 2 0 0", "2: 1 0 0"])
            try await database.expectNoDrift()
        }
    }

    @Test func `follow a row to another clinic, and see an upsert as what it is`() async throws {
        try await TestDatabase.lend { database in
            try await database.limitedClinics(users: -1, patients: 3, storage: nil)
            try await database.owner.script(
                """
                INSERT INTO patients (id, name, clinic_id) SELECT i, 'p', '\(Self.clinic)'
                FROM generate_series(101, 103) AS i;
                INSERT INTO patients (id, name, clinic_id)
                VALUES (101, 'q', '\(Self.other)'), (104, 'q', '\(Self.other)')
                ON CONFLICT (id) DO UPDATE SET clinic_id = excluded.clinic_id;
                INSERT INTO patients (id, name, clinic_id) VALUES (102, 'q', '\(Self.clinic)')
                ON CONFLICT (id) DO UPDATE SET name = excluded.name;
                INSERT INTO patients (id, name, clinic_id) VALUES (102, 'q', '\(Self.other)')
                ON CONFLICT (id) DO NOTHING;
                """)
            #expect(try await database.counters() == ["1: 0 2 0", "2: 0 2 0"])
            let move = "UPDATE patients SET clinic_id = '\(Self.other)';"
            #expect(try await database.refusal(of: move)?.sqlState == "BQ002")
            try await database.owner.script("DELETE FROM patients WHERE id > 101")
            #expect(try await database.counters() == ["1: 0 0 0", "2: 0 1 0"])
            try await database.expectNoDrift()
        }
    }

    @Test func `let a clinic that is over its plan take away, and add nothing`() async throws {
        try await TestDatabase.lend { database in
            try await database.limitedClinics(users: -1, patients: 5, storage: nil)
            try await database.owner.script(
                Self.patients(5) + "UPDATE subscription_plans SET max_patients = 2;")
            #expect(try await database.refusal(of: Self.patients(1))?.sqlState == "BQ002")
            let exceeded = try await database.ledger.limits.exceeded()
            #expect(exceeded.map(\.counter) == [.patients])
            #expect(exceeded.map(\.used) == [5] && exceeded.map(\.limit) == [2])
            try await database.owner.script(
                "DELETE FROM patients WHERE id IN (SELECT id FROM patients LIMIT 4);"
                    + Self.patients(1))
            #expect(try await database.refusal(of: Self.patients(1))?.sqlState == "BQ002")
        }
    }

    @Test func `refuse nothing while they are only observed, and count all the same`() async throws
    {
        try await TestDatabase.lend { database in
            try await database.limitedClinics(users: 0, patients: 0, storage: 0)
            let pool = try database.pool(of: Login.admin)
            let admin = Ledger(pool: pool)
            #expect(try await admin.limits.enforce(false))
            #expect(try await !admin.limits.enforce(false))
            try await database.owner.script(Self.people(2) + Self.patients(3) + Self.file(9))
            #expect(try await database.counters() == ["1: 2 3 9"])
            #expect(try await admin.limits.exceeded().count == 3)
            #expect(try await admin.limits.enforce(true))
            #expect(try await database.refusal(of: Self.patients(1))?.sqlState == "BQ002")
            #expect(try await admin.limits.mode().changedBy == Login.admin)
            await pool.close()
        }
    }

    @Test func `are none for a clinic without a plan, and for rows of no clinic`() async throws {
        try await TestDatabase.lend { database in
            try await database.limitedClinics(users: 0, patients: 0, storage: nil)
            try await database.owner.script(
                """
                DELETE FROM clinic_subscriptions WHERE clinic_id = '\(Self.clinic)';
                INSERT INTO users (email) VALUES ('nobody'); INSERT INTO patients (name) VALUES ('x');
                """ + Self.patients(3))
            #expect(try await database.counters() == ["1: 0 3 0"])
            #expect(try await database.ledger.limits.clinicsWithoutPlan() == 1)
        }
    }

    @Test func `cannot be truncated away, except by an owner who says so`() async throws {
        try await TestDatabase.lend { database in
            try await database.limitedClinics(users: -1, patients: 3, storage: nil)
            try await database.owner.script(Self.people(1) + Self.patients(3))
            let truncate = "TRUNCATE patients CASCADE;"
            #expect(try await database.refusal(of: truncate)?.sqlState == "BQ004")
            let allow = "SET LOCAL metering.allow_truncate = on;"
            try await database.owner.script(
                "GRANT TRUNCATE ON ALL TABLES IN SCHEMA public TO clinic_app")
            let asApp = try await database.refusal(
                of: allow + "SET LOCAL ROLE clinic_app;" + truncate)
            #expect(asApp?.sqlState == "BQ004")
            #expect(try await database.refusal(of: allow + truncate) == nil)
            #expect(try await database.counters() == ["1: 1 0 0"])
            try await database.expectNoDrift()
        }
    }

    @Test func `are counted again, and every wrong counter is named and set right`() async throws {
        try await TestDatabase.lend { database in
            try await database.limitedClinics(users: -1, patients: -1, storage: nil)
            try await database.owner.script(
                Self.people(2) + Self.patients(3) + Self.file(7)
                    + """
                    UPDATE metering.clinic_counter SET users = 9, patients = 1, storage_bytes = 8;
                    DELETE FROM metering.clinic_seat WHERE user_id = (SELECT min(id) FROM users);
                    UPDATE metering.clinic_seat SET refs = 4;
                    """)
            #expect(try await database.ledger.limits.isRecountDue())
            var drift: [CounterDrift] = []
            let outcome = try await database.ledger.limits.recount { found, _ in drift += found }
            #expect(outcome == RecountOutcome(clinics: 2))
            #expect(drift.map(\.counter) == [.patients, .storage, .users])
            #expect(drift.map(\.kept) == [1, 8, 9] && drift.map(\.counted) == [3, 7, 2])
            try await database.ledger.operations.recordJob(
                "recount", startedAt: database.ledger.operations.databaseTime(), rowsWritten: 3,
                ok: true)
            #expect(try await !database.ledger.limits.isRecountDue())
            try await database.owner.script("DELETE FROM users WHERE clinic_id IS NOT NULL")
            #expect(try await database.counters() == ["1: 0 3 7", "2: 0 0 0"])
        }
    }

    @Test func `never make a delete fail because a counter is wrong`() async throws {
        try await TestDatabase.lend { database in
            try await database.limitedClinics(users: 5, patients: 5, storage: 50)
            try await database.owner.script(
                Self.people(2) + Self.patients(3) + Self.file(7)
                    + """
                    UPDATE metering.clinic_counter SET users = 0, patients = 0, storage_bytes = 0;
                    DELETE FROM patients; DELETE FROM file_storage; DELETE FROM users;
                    """)
            #expect(try await database.counters() == ["1: -2 -3 -7"])
            try await database.ledger.limits.recount()
            #expect(try await database.counters() == ["1: 0 0 0", "2: 0 0 0"])
        }
    }

    static func people(_ count: Int) -> String {
        """
        INSERT INTO users (email, clinic_id)
        SELECT 'u', '\(clinic)' FROM generate_series(1, \(count));

        """
    }

    static func patients(_ count: Int) -> String {
        """
        INSERT INTO patients (name, clinic_id)
        SELECT 'p', '\(clinic)' FROM generate_series(1, \(count));

        """
    }

    static func file(_ bytes: Int) -> String {
        """
        INSERT INTO file_storage (file_id, clinic_id, s3_path, encrypted_key, size_bytes)
        VALUES (gen_random_uuid(), '\(clinic)', 's3', 'k', \(bytes));

        """
    }
}

extension TestDatabase {
    /// Two clinics on one plan with these limits.
    func limitedClinics(users: Int, patients: Int, storage: Int?) async throws {
        try await makeClinics(2)
        let features = storage.map { "{\"metering\": {\"storage_bytes\": \($0)}}" } ?? "{}"
        let plan = try await makePlan("Limited", features: features)
        try await owner.script(
            "UPDATE subscription_plans SET max_users = \(users), max_patients = \(patients)")
        for clinic in 1...2 { try await subscribe(.numbered(clinic), to: plan) }
    }

    /// `clinic: users patients storage`, for each clinic that has a counter.
    func counters() async throws -> [String] {
        try await owner.ask(
            """
            SELECT right(clinic_id::text, 1) || ': ' || users || ' ' || patients || ' ' || storage_bytes
            FROM metering.clinic_counter ORDER BY clinic_id
            """
        ).map { try $0.text(0) }
    }

    /// What the server says to a script in a transaction of its own; nil when it does it.
    func refusal(of text: String) async throws -> PostgresServerError? {
        do {
            try await owner.transaction(retries: 0) { try await $0.script(text) }
            return nil
        } catch PostgresError.server(let error) {
            return error
        }
    }

    /// Counters and seats agree with the rows.
    func expectNoDrift(sourceLocation: SourceLocation = #_sourceLocation) async throws {
        var drift: [CounterDrift] = []
        try await ledger.limits.recount { found, _ in drift += found }
        #expect(drift.isEmpty, sourceLocation: sourceLocation)
    }
}
