import DatabaseSupport
import Ledger
import LocalServers
import Metering
import Postgres
import TestSupport
import Testing
import Values

/// Many who add at once: exactly as many rows as the plan has room for, at every isolation level.
@Suite(.timed, .serialized) struct `Inserters side by side` {
    private static let limit = 500

    enum Way: String, CaseIterable, Sendable {
        case insert, rows, copy, upsert

        /// New patients that one transaction asks for.
        var batch: Int { self == .rows || self == .copy ? 7 : 1 }
    }

    @Test(arguments: PostgresIsolation.allCases, Way.allCases)
    func `fill a plan to the last place and not beyond`(isolation: PostgresIsolation, way: Way)
        async throws
    {
        try await Self.fillPlan(64, isolation, way)
    }

    /// Above READ COMMITTED each winner makes all others try again, which takes all of a machine: only in
    /// `make test-long`.
    @Test(arguments: TimeBox.isLong ? PostgresIsolation.allCases : [.readCommitted], Way.allCases)
    func `fill it also when they are 256`(isolation: PostgresIsolation, way: Way) async throws {
        try await Self.fillPlan(256, isolation, way)
    }

    private static func fillPlan(
        _ inserters: Int, _ isolation: PostgresIsolation, _ way: Way
    ) async throws {
        try await TestDatabase.lend { database in
            try await database.limitedClinics(users: -1, patients: limit, storage: nil)
            // Most places are taken before: above READ COMMITTED each winner makes all others try again.
            try await database.owner.script(`Limits in the database`.patients(limit - 100))
            try await database.withPools(inserters) { pools in
                try await withThrowingTaskGroup { group in
                    for number in 1...inserters {
                        let pool = pools[number % pools.count]
                        group.addTask {
                            try await fill(pool, number, way, isolation, batch: way.batch)
                            // A batch that found no room may have left some for one.
                            try await fill(pool, number, way, isolation, batch: 1)
                        }
                    }
                    try await group.waitForAll()
                }
            }
            let held = try await database.owner.ask("SELECT count(*) FROM patients")[0].int64(0)
            #expect(held == limit)
            #expect(try await database.counters() == ["1: 0 \(limit) 0"])
            try await database.expectNoDrift()
        }
    }

    /// Adds batches until the plan has no room; runs again what the server could not serialise.
    private static func fill(
        _ pool: PostgresPool, _ inserter: Int, _ way: Way, _ isolation: PostgresIsolation,
        batch: Int
    ) async throws {
        while try await pool.adds(
            isolation, mayFail: isolation != .readCommitted,
            { connection in
                try await add(batch, way, inserter, on: connection)
            })
        {}
    }

    private static func add(
        _ count: Int, _ way: Way, _ inserter: Int, on connection: PostgresConnection
    ) async throws {
        let clinic = `Limits in the database`.clinic
        switch way {
        case .insert, .rows:
            try await connection.script(`Limits in the database`.patients(count))
        case .copy:
            let id = clinic.id
            let row: [PostgresValue] = [.text("p"), .uuid(id)]
            try await connection.copyIn(
                PostgresStatement("COPY patients (name, clinic_id) FROM STDIN"),
                rows: [[PostgresValue]](repeating: row, count: count))
        case .upsert:
            // One that is there already, of this inserter's own, and new ones.
            try await connection.script(
                """
                INSERT INTO patients (id, name, clinic_id)
                SELECT \(inserter), 'again', '\(clinic)'::uuid UNION ALL
                SELECT nextval('patients_id_seq'), 'new', '\(clinic)'::uuid
                FROM generate_series(1, \(count))
                ON CONFLICT (id) DO UPDATE SET name = excluded.name
                """)
        }
    }

    // MARK: Races of other kinds

    @Test(arguments: PostgresIsolation.allCases)
    func `give out seats, whichever way a person comes, and reserved ones too`(
        isolation: PostgresIsolation
    ) async throws {
        let clinic = `Limits in the database`.clinic
        try await TestDatabase.lend { database in
            try await database.limitedClinics(users: 40, patients: -1, storage: nil)
            // People of no clinic, who may become staff.
            try await database.owner.script(
                "INSERT INTO users (id, email) SELECT -i, 'u' FROM generate_series(1, 100) AS i;")
            try await database.withPools(32) { pools in
                try await withThrowingTaskGroup { group in
                    for number in 1...32 {
                        group.addTask {
                            var turn = 0
                            while try await pools[0].adds(
                                isolation,
                                { connection in
                                    turn += 1
                                    try await connection.script(
                                        "SET LOCAL app.current_clinic_id = '\(clinic)';"
                                            + Self.seat(number, turn))
                                })
                            {}
                        }
                    }
                    try await group.waitForAll()
                }
            }
            let seats = try await database.owner.ask(
                """
                SELECT users + reserved, (SELECT count(*) FROM (
                    SELECT id FROM users WHERE clinic_id = '\(clinic)'
                    UNION SELECT user_id FROM clinic_staff) AS p), reserved
                FROM metering.clinic_held
                """)
            #expect(try seats[0].int64(0) == 40)
            #expect(try seats[0].int64(1) + seats[0].int64(2) == 40)
            try await database.expectNoDrift()
        }
    }

    /// A user, staff, a reservation, or a reservation that is taken up at once: four kinds of inserters.
    private static func seat(_ number: Int, _ turn: Int) -> String {
        let clinic = `Limits in the database`.clinic
        let reserve =
            "SELECT metering.reserve_seat('\(clinic)', '\(number).\(turn)', now() + interval '1 h');"
        switch number % 4 {
        case 0: return `Limits in the database`.people(1)
        case 1:
            return """
                INSERT INTO clinic_staff SELECT '\(clinic)', id, 'DENTIST' FROM users
                WHERE -id % 8 = \(number / 4) AND id < 0
                AND NOT EXISTS (SELECT FROM clinic_staff WHERE user_id = id) LIMIT 1;
                """
                    + (turn > 12 ? reserve : "")
        case 2: return reserve
        default:
            return reserve
                + "SELECT metering.release_seat('\(clinic)', '\(number).\(turn)');"
                + `Limits in the database`.people(1)
        }
    }

    @Test(arguments: PostgresIsolation.allCases)
    func `fill the storage to the last byte`(isolation: PostgresIsolation) async throws {
        try await TestDatabase.lend { database in
            try await database.limitedClinics(users: -1, patients: -1, storage: 10_000)
            try await database.withPools(32) { pools in
                try await withThrowingTaskGroup { group in
                    for number in 1...32 {
                        group.addTask {
                            for bytes in [100 + number, 1] {
                                while try await pools[0].adds(
                                    isolation,
                                    { connection in
                                        try await connection.script(
                                            `Limits in the database`.file(bytes))
                                    })
                                {}
                            }
                        }
                    }
                    try await group.waitForAll()
                }
            }
            #expect(try await database.counters() == ["1: 0 0 10000"])
            try await database.expectNoDrift()
        }
    }

    @Test func `move rows between two clinics in both directions without a deadlock`() async throws
    {
        let clinics = [`Limits in the database`.clinic, `Limits in the database`.other]
        try await TestDatabase.lend { database in
            try await database.limitedClinics(users: -1, patients: 60, storage: nil)
            try await database.owner.script(
                """
                INSERT INTO patients (id, name, clinic_id)
                SELECT i, 'p', (ARRAY['\(clinics[0])', '\(clinics[1])'])[1 + i % 2]::uuid
                FROM generate_series(1, 100) AS i;
                """)
            try await database.withPools(20) { pools in
                try await withThrowingTaskGroup { group in
                    for number in 0..<20 {
                        group.addTask {
                            // Rows of its own, so that only counters are in dispute.
                            for turn in 0..<20 {
                                let to = clinics[(number + turn) % 2]
                                _ = try await pools[0].adds(.readCommitted, mayFail: false) {
                                    try await $0.script(
                                        """
                                        UPDATE patients SET clinic_id = '\(to)'
                                        WHERE id BETWEEN \(number * 5 + 1) AND \(number * 5 + 5)
                                        """)
                                }
                            }
                        }
                    }
                    // Meanwhile everything is counted again.
                    group.addTask {
                        for _ in 0..<10 { try await database.expectNoDrift() }
                    }
                    try await group.waitForAll()
                }
            }
            let over = try await database.ledger.limits.exceeded()
            #expect(over.isEmpty)
            try await database.expectNoDrift()
        }
    }

    @Test func `are counted right while everything is counted again`() async throws {
        try await TestDatabase.lend { database in
            try await database.limitedClinics(users: 300, patients: 300, storage: nil)
            try await database.withPools(16) { pools in
                try await withThrowingTaskGroup { group in
                    for number in 0..<16 {
                        group.addTask {
                            while try await pools[0].adds(
                                .readCommitted, mayFail: false,
                                {
                                    try await $0.script(
                                        number % 2 == 0
                                            ? `Limits in the database`.people(3)
                                            : `Limits in the database`.patients(3))
                                })
                            {}
                        }
                    }
                    group.addTask {
                        for _ in 0..<20 { try await database.expectNoDrift() }
                    }
                    try await group.waitForAll()
                }
            }
            let counters = try await database.counters()
            #expect(counters.first == "1: 300 300 0")
        }
    }
}

extension TestDatabase {
    /// Lends pools that hold as many connections together, in as many pools as that takes.
    fileprivate func withPools(
        _ connections: Int, _ body: ([PostgresPool]) async throws -> Void
    ) async throws {
        try await withResource(
            {
                try (0..<(connections + 63) / 64).map { _ in
                    try Self.pool(server.superuserURL(database: name), size: min(connections, 64))
                }
            }, release: { for pool in $0 { await pool.close() } }, body)
    }
}

extension PostgresPool {
    /// Runs a transaction once; false when the plan had no room for it. What the server could not serialise
    /// did nothing, and the caller comes again.
    ///
    /// - Parameter mayFail: Whether it is right that the server asks for a second try.
    fileprivate func adds(
        _ isolation: PostgresIsolation, mayFail: Bool = true,
        _ body: (PostgresConnection) async throws -> Void
    ) async throws -> Bool {
        do {
            try await transaction(isolation, retries: 0, body)
        } catch PostgresError.server(let error) {
            if ["BQ001", "BQ002", "BQ003"].contains(error.sqlState) { return false }
            guard error.sqlState.isRetryable else { throw PostgresError.server(error) }
            if !mayFail { Issue.record("no second try should be needed: \(error.sqlState)") }
        }
        return true
    }
}
