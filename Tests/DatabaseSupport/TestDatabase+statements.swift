import LocalServers
package import Postgres
import TestSupport

extension PostgresPool {
    /// Runs one statement of a test's own.
    @discardableResult
    package func ask(
        _ text: String, _ parameters: [PostgresValue] = []
    ) async throws -> [PostgresRow] {
        try await query(PostgresStatement(text), parameters)
    }

    /// Waits until `count` sessions wait for a lock in this pool's database.
    package func waitForBlocked(_ count: Int64 = 1) async throws {
        try await waitUntil("\(count) sessions wait for a lock") {
            let rows = try await ask(
                """
                SELECT count(*) FROM pg_stat_activity
                WHERE datname = current_database() AND wait_event_type = 'Lock'
                """)
            return try rows[0].int64(0) >= count
        }
    }
}

extension PostgresStatement {
    /// A statement of a test's own, named by its text.
    package init(_ text: String) {
        self.init(name: "test_\(text.hashValue.magnitude)", text: text)
    }
}

extension TestDatabase {
    /// Runs one statement as the superuser and returns its rows.
    @discardableResult
    package func ask(
        _ text: String, _ parameters: [PostgresValue] = []
    ) async throws -> [PostgresRow] {
        try await owner.ask(text, parameters)
    }

    /// The one number that a statement returns, 0 without a row.
    package func number(_ text: String, _ parameters: [PostgresValue] = []) async throws -> Int64 {
        guard let row = try await ask(text, parameters).first else { return 0 }
        return try row.int64(0)
    }

    /// Runs statements with psql and returns what it prints: values with `|` between them.
    @discardableResult
    package func psql(_ text: String) async throws -> String {
        try await server.client(
            "psql", ["-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1"], database: name, input: text)
    }

    /// Waits until `count` sessions wait for a lock in this database.
    package func waitForBlocked(_ count: Int64 = 1) async throws {
        try await owner.waitForBlocked(count)
    }
}
