import Postgres

extension Migrator {
    func apply(
        _ file: MigrationFile, on connection: PostgresConnection, progress: (String) -> Void
    ) async throws {
        do {
            if file.answersStatements {
                let query = PostgresStatement(name: file.name, text: file.text)
                _ = try await run(query, on: connection, progress: progress)
                try await connection.transaction(retries: 0) { connection in
                    try await record(file, on: connection)
                }
            } else {
                try await patiently(file.name, connection, progress: progress) { connection in
                    try await makeTriggers(of: file.tablesWithTriggers, on: connection)
                    if !file.runsAsConnectingRole {
                        try await connection.execute(SQL.migrationRoleLocal)
                    }
                    try await connection.script(file.text, timeout: Self.fileTimeout)
                    try await record(file, on: connection)
                }
            }
        } catch let error as PostgresError {
            guard case .server(let server) = error else { throw error }
            throw MigrationError.file(file.name, line: server.line, error)
        }
    }

    private func makeTriggers(
        of tables: [String], on connection: PostgresConnection
    ) async throws {
        guard !tables.isEmpty else { return }
        for row in try await connection.query(SQL.applicationTriggers) {
            guard tables.contains(try row.text("relation")) else { continue }
            try await connection.script(try row.text("statement"), timeout: Self.fileTimeout)
        }
    }

    /// In a transaction, because `metering_owner` owns the record, whatever role ran the file.
    private func record(_ file: MigrationFile, on connection: PostgresConnection) async throws {
        let rows = try await connection.query(SQL.migrationChecksums, [.textArray([file.text])])
        guard let checksum = try rows.first?.bytes("checksum") else { return }
        try await connection.execute(SQL.migrationRoleLocal)
        try await connection.execute(
            SQL.migrationRecord, [.int64(file.version), .text(file.name), .bytes(checksum)])
    }

    /// Applies the functions and views that differ, all or none, and returns their names. Each has the
    /// rights that its file gives afterwards, and no older ones.
    func applyFunctions(
        on connection: PostgresConnection, progress: (String) -> Void
    ) async throws -> [String] {
        let changed = try await changedFunctions(on: connection)
        guard !changed.isEmpty else { return [] }
        progress("applying \(changed.count) functions")
        try await patiently("functions", connection, progress: progress) { connection in
            try await connection.execute(SQL.migrationRoleLocal)
            let names = PostgresValue.textArray(changed.map(\.file.name))
            for row in try await connection.query(SQL.migrationFunctionRevokes, [names]) {
                try await connection.script(
                    try row.text("statement"), timeout: Self.fileTimeout)
            }
            for function in changed {
                try await apply(function, on: connection)
            }
        }
        return changed.map(\.file.name)
    }

    private func apply(
        _ function: MigrationPlan.KnownFunction, on connection: PostgresConnection
    ) async throws {
        do throws(PostgresError) {
            try await connection.script(function.file.text, timeout: Self.fileTimeout)
        } catch {
            guard case .server(let server) = error, !server.isOfLocks else { throw error }
            throw MigrationError.file("\(function.file.name).sql", line: server.line, error)
        }
        try await connection.execute(
            SQL.migrationFunctionRecord,
            [.text(function.file.name), .bytes(function.checksum)])
    }
}
