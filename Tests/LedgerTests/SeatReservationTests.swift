import DatabaseSupport
import Ledger
import Metering
import Postgres
import Quotas
import TestSupport
import Testing

/// Seats for people who were invited and have not come yet, as the application reserves them.
@Suite(.timed) struct `Reserved seats` {
    private static let clinic = `Limits in the database`.clinic
    private static let other = `Limits in the database`.other

    @Test func `count as taken until the person comes, who then takes no second one`() async throws
    {
        try await Self.lend(users: 2) { database, app in
            #expect(try await app.reserve("anna"))
            #expect(try await app.reserve("berta"))
            #expect(try await app.refusal(of: Self.person)?.sqlState == "BQ001")
            #expect(
                try await app.refusal(of: Self.reserve("carl"))?.unsafeDetail
                    == "{\"limit\" : 2, \"used\" : 2, \"asked\" : 1}")
            // Both ways to belong to the clinic.
            #expect(try await app.refusal(of: Self.release("anna") + Self.person) == nil)
            try await database.owner.script(
                "INSERT INTO users (id, email, clinic_id) VALUES (90, 'b', '\(Self.other)');")
            let staff = "INSERT INTO clinic_staff VALUES ('\(Self.clinic)', 90, 'DENTIST');"
            #expect(try await app.refusal(of: staff)?.sqlState == "BQ001")
            #expect(try await app.refusal(of: Self.release("berta") + staff) == nil)
            #expect(try await app.refusal(of: Self.person)?.sqlState == "BQ001")
            #expect(try await database.counters() == ["1: 2 0 0", "2: 1 0 0"])
            #expect(try await database.ledger.limits.reservedSeats().seats == 0)
            try await database.expectNoDrift()
        }
    }

    @Test func `are one for a key, however often it is asked for or given back`() async throws {
        try await Self.lend(users: 2) { database, app in
            #expect(try await app.reserve("anna"))
            #expect(try await !app.reserve("anna"))
            let held = try await database.ledger.limits.reservedSeats()
            #expect(held.seats == 1 && held.clinics == 1)
            #expect(try await app.release("anna"))
            #expect(try await !app.release("anna"))
            #expect(try await !app.release("nobody"))
            #expect(try await app.reserve("anna"))
            // What is rolled back was never reserved.
            #expect(
                try await app.refusal(of: "SAVEPOINT a;" + Self.reserve("b") + "ROLLBACK TO a;")
                    == nil)
            #expect(try await app.refusal(of: Self.person) == nil)
        }
    }

    @Test func `end by themselves, and the count of all rows clears them away`() async throws {
        try await Self.lend(users: 1) { database, app in
            #expect(try await app.reserve("anna"))
            #expect(try await app.refusal(of: Self.person)?.sqlState == "BQ001")
            let end = "UPDATE metering.seat_reservation SET until = clock_timestamp();"
            try await database.owner.script(end)
            #expect(try await database.ledger.limits.reservedSeats().seats == 0)
            #expect(try await !app.release("anna"))
            #expect(try await app.reserve("anna"))
            try await database.owner.script(end)
            // Another key may have the seat, and the first one is not back by its old right.
            #expect(try await app.reserve("berta"))
            #expect(try await app.refusal(of: Self.reserve("anna"))?.sqlState == "BQ001")
            try await database.owner.script(end)
            #expect(try await app.refusal(of: Self.person) == nil)
            try await database.expectNoDrift()
            let left = try await database.owner.ask(
                """
                SELECT (SELECT count(*) FROM metering.seat_reservation)
                    + (SELECT sum(reserved) FROM metering.clinic_counter)
                """)
            #expect(try left[0].int64(0) == 0)
        }
    }

    @Test func `are taken without limit where none is enforced, and counted all the same`()
        async throws
    {
        try await Self.lend(users: 0) { database, app in
            try await database.owner.script("UPDATE metering.limit_mode SET enforced = false")
            #expect(try await app.reserve("anna"))
            #expect(
                try await database.ledger.limits.exceeded().map { [$0.used, $0.limit] } == [[1, 0]])
            let room = try await database.ledger.limits.capacities(of: [Self.clinic, .numbered(9)])
            #expect(room.keys.sorted() == [Self.clinic])
            #expect(room[Self.clinic]?.users.used == 1)
        }
    }

    @Test func `are reserved for the clinic of the transaction and for no other`() async throws {
        try await Self.lend(users: 2) { database, app in
            for call in [
                "SELECT metering.reserve_seat('\(Self.other)', 'k', now() + interval '1 h');",
                "SELECT metering.release_seat('\(Self.other)', 'k');",
                "SET LOCAL app.current_clinic_id = '';" + Self.reserve("k"),
                "SELECT metering.reserve_seat(NULL, 'k', now() + interval '1 h');",
            ] {
                let refusal = try await app.refusal(of: call)
                #expect(refusal?.sqlState == "42501", "\(call)")
            }
            for call in [
                Self.reserve(""), Self.reserve(String(repeating: "k", count: 201)),
                Self.reserve("k", "-1 s"), Self.reserve("k", "367 d"),
                "SELECT metering.reserve_seat('\(Self.clinic)', 'k', 'infinity');",
                "SELECT metering.reserve_seat('\(Self.clinic)', NULL, now() + interval '1 h');",
                "SELECT metering.reserve_seat('\(Self.clinic)', 'k', NULL);",
            ] {
                let refusal = try await app.refusal(of: call)
                #expect(refusal?.sqlState == "22023", "\(call)")
            }
            #expect(try await database.ledger.limits.reservedSeats().seats == 0)
        }
    }

    private static func lend(
        users: Int, _ body: (TestDatabase, ReservingApp) async throws -> Void
    ) async throws {
        try await TestDatabase.lend { database in
            try await database.limitedClinics(users: users, patients: -1, storage: nil)
            try await withResource(
                { ReservingApp(pool: try database.pool(of: Login.app), clinic: clinic) },
                release: { await $0.pool.close() }
            ) { try await body(database, $0) }
        }
    }

    static let person = "INSERT INTO users (email, clinic_id) VALUES ('u', '\(clinic)');"

    static func reserve(_ key: String, _ time: String = "1 h") -> String {
        "SELECT metering.reserve_seat('\(clinic)', '\(key)', now() + interval '\(time)');"
    }

    static func release(_ key: String) -> String {
        "SELECT metering.release_seat('\(clinic)', '\(key)');"
    }
}

/// The team's application: one clinic at a time, with the rights of clinic_app.
private struct ReservingApp {
    let pool: PostgresPool
    let clinic: ClinicID

    func refusal(of text: String) async throws -> PostgresServerError? {
        do {
            try await pool.transaction(retries: 0) {
                try await $0.script("SET LOCAL app.current_clinic_id = '\(clinic)'; \(text)")
            }
            return nil
        } catch PostgresError.server(let error) {
            return error
        }
    }

    func reserve(_ key: String) async throws -> Bool {
        try await answer(
            "SELECT metering.reserve_seat($1::text::uuid, $2, now() + interval '1 h')", key)
    }

    func release(_ key: String) async throws -> Bool {
        try await answer("SELECT metering.release_seat($1::text::uuid, $2)", key)
    }

    private func answer(_ text: String, _ key: String) async throws -> Bool {
        try await pool.transaction(retries: 0) { connection in
            try await connection.script("SET LOCAL app.current_clinic_id = '\(clinic)'")
            let rows = try await connection.query(
                PostgresStatement(text), [.text("\(clinic)"), .text(key)])
            return try rows[0].bool(0)
        }
    }
}
