import LocalServers
import Metering
import Postgres
import TestSupport
import Testing

/// Many who add at once: exactly as many rows as the plan has room for, at every isolation level.
@Suite(.serialized) struct `Inserters side by side` {
    private static let limit = 500
    private static let inserters = 64

    enum Way: String, CaseIterable, Sendable {
        case insert, rows, copy, upsert

        /// New patients that one transaction asks for.
        var batch: Int { self == .rows || self == .copy ? 7 : 1 }
    }

    @Test(arguments: Isolation.allCases, Way.allCases)
    func `fill a plan to the last place and not beyond`(isolation: Isolation, way: Way) async throws
    {
        try await TestDatabase.lend { database in
            try await database.limitedClinics(users: -1, patients: Self.limit, storage: nil)
            // Most places are taken before: above READ COMMITTED each winner makes all others try again.
            try await database.owner.script(`Limits in the database`.patients(Self.limit - 100))
            let pool = try TestDatabase.pool(
                database.server.superuserURL(database: database.name), size: Self.inserters)
            try await withThrowingTaskGroup { group in
                for number in 1...Self.inserters {
                    group.addTask {
                        try await Self.fill(pool, number, way, isolation, batch: way.batch)
                        // A batch that found no room may have left some for one.
                        try await Self.fill(pool, number, way, isolation, batch: 1)
                    }
                }
                try await group.waitForAll()
            }
            await pool.close()
            let held = try await database.owner.ask("SELECT count(*) FROM patients")[0].int64(0)
            #expect(held == Self.limit)
            #expect(try await database.counters() == ["1: 0 \(Self.limit) 0"])
            try await database.expectNoDrift()
        }
    }

    /// Adds batches until the plan has no room; runs again what the server could not serialise.
    private static func fill(
        _ pool: PostgresPool, _ inserter: Int, _ way: Way, _ isolation: Isolation, batch: Int
    ) async throws {
        while true {
            do {
                try await pool.transaction(isolation, retries: 0) { connection in
                    try await add(batch, way, inserter, on: connection)
                }
            } catch PostgresError.server(let error) {
                if error.sqlState == "BQ002" { return }
                let mayTryAgain: Set<SQLState> = [.serializationFailure, .deadlockDetected]
                guard mayTryAgain.contains(error.sqlState) else {
                    throw PostgresError.server(error)
                }
                if isolation == .readCommitted {
                    Issue.record("READ COMMITTED needs no second try")
                }
            }
        }
    }

    private static func add(
        _ count: Int, _ way: Way, _ inserter: Int, on connection: PostgresConnection
    ) async throws {
        let clinic = `Limits in the database`.clinic
        switch way {
        case .insert, .rows:
            try await connection.script(`Limits in the database`.patients(count))
        case .copy:
            guard let id = PostgresUUID(bytes: clinic.bytes) else { return }
            let row: [PostgresValue] = [.text("p"), .uuid(id)]
            try await connection.copyIn(
                Statement("COPY patients (name, clinic_id) FROM STDIN"),
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
}
