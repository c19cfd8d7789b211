import Postgres

extension Migrator {
    /// What `apply` would do now and what it found. Changes nothing.
    public func survey() async throws(MigrationError) -> MigrationSurvey {
        try await migrating { connection in
            try Self.requireDirect(connection)
            let pending = try await pending(on: connection)
            if pending.isAttachedYet { try await requireTriggers(on: connection) }
            let steps = try await steps(of: pending, on: connection)
            guard pending.way == .attached && !pending.isAttachedYet else {
                return MigrationSurvey(way: pending.way, steps: steps, tables: [], usage: nil)
            }
            let tables = try await connection.query(SQL.attachTables).map(Self.table)
            return MigrationSurvey(
                way: .attached, steps: steps, tables: tables,
                usage: try await usage(of: tables, on: connection))
        }
    }

    private func steps(
        of pending: Pending, on connection: PostgresConnection
    ) async throws -> [MigrationStep] {
        var steps: [MigrationStep] = []
        for file in pending.files {
            steps.append(.file(file))
            guard file.answersStatements else { continue }
            let query = PostgresStatement(name: file.name, text: file.text)
            steps += try await connection.query(query).map { .statement(try $0.text("statement")) }
        }
        if !pending.functions.isEmpty {
            steps.append(.functions(pending.functions.map(\.file.name)))
        }
        let differences = try await triggerDifferences(on: connection).filter {
            $0.isThere || !pending.files.isEmpty
        }
        return steps + differences.map { .statement($0.statement) }
    }

    private static func table(_ row: PostgresRow) throws -> MigrationSurvey.FoundTable {
        guard try row.optionalText("relation") != nil else {
            return MigrationSurvey.FoundTable(name: try row.text("name"), found: nil)
        }
        return MigrationSurvey.FoundTable(
            name: try row.text("name"),
            found: MigrationSurvey.FoundTable.Found(
                owner: try row.text("owner"), hasRowSecurity: try row.bool("has_row_security"),
                rows: try row.optionalInt64("rows"), bytes: try row.int64("bytes")))
    }

    private func usage(
        of tables: [MigrationSurvey.FoundTable], on connection: PostgresConnection
    ) async throws -> MigrationSurvey.FoundUsage? {
        guard tables.contains(where: { $0.name == "api_usage" && $0.found != nil }),
            let row = try await connection.query(SQL.attachUsage, timeout: Self.fileTimeout).first
        else { return nil }
        return MigrationSurvey.FoundUsage(
            rowsNow: try row.int64("rows_now"), monthsBefore: try row.int64("months_before"))
    }
}

extension Migrator {
    /// A login that row security would hide rows from.
    public struct BlindLogin: Hashable, Sendable {
        public let login: String
        /// Names of tables, with commas between.
        public let tables: String

        public init(login: String, tables: String) {
            (self.login, self.tables) = (login, tables)
        }
    }

    /// Logins with rights on tables that row security is about to be switched on for, or forced on,
    /// and without a policy there.
    public func blindLogins(forced: Bool) async throws(MigrationError) -> [BlindLogin] {
        try await migrating { connection in
            try await connection.query(SQL.rlsBlindRoles, [.bool(forced)]).map { row in
                BlindLogin(login: try row.text("login"), tables: try row.text("tables"))
            }
        }
    }

    /// Tables without row security that have no clinic to tell rows apart by.
    public func tablesWithoutClinic() async throws(MigrationError) -> [String] {
        try await migrating { connection in
            try await connection.query(SQL.rlsUnready).map { try $0.text("relation") }
        }
    }

    /// The application's tables as they are.
    public func tables() async throws(MigrationError) -> [MigrationSurvey.FoundTable] {
        try await migrating { connection in
            try await connection.query(SQL.attachTables).map(Self.table)
        }
    }
}
