import Postgres

extension Migrator {
    func apply(
        _ file: MigrationFile, on connection: PostgresConnection, progress: (String) -> Void
    ) async throws {
        do {
            if file.answersStatements {
                let query = Statement(name: file.name, text: file.text)
                _ = try await run(query, on: connection, progress: progress)
                try await connection.transaction(retries: 0) { connection in
                    try await record(file, on: connection)
                }
            } else if file.runsOutsideTransaction {
                try await applyOutsideTransaction(file, on: connection, progress: progress)
            } else {
                try await patiently(file.name, connection, progress: progress) { connection in
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

    private func applyOutsideTransaction(
        _ file: MigrationFile, on connection: PostgresConnection, progress: (String) -> Void
    ) async throws {
        try await connection.execute(SQL.migrationRoleSet)
        do {
            for statement in file.statements {
                try await watched(file.name, connection, progress: progress) { connection in
                    try await connection.script(statement, timeout: Self.fileTimeout)
                }
            }
            try await connection.transaction(retries: 0) { connection in
                try await record(file, on: connection)
            }
        } catch {
            _ = try? await connection.execute(SQL.migrationRoleReset)
            throw error
        }
        try await connection.execute(SQL.migrationRoleReset)
    }

    /// In a transaction, because the record belongs to `metering_owner` whoever ran the file.
    private func record(_ file: MigrationFile, on connection: PostgresConnection) async throws {
        let rows = try await connection.query(SQL.migrationChecksums, [.textArray([file.text])])
        guard let checksum = try rows.first?.bytes("checksum") else { return }
        try await connection.execute(SQL.migrationRoleLocal)
        try await connection.execute(
            SQL.migrationRecord, [.int64(file.version), .text(file.name), .bytes(checksum)])
    }
}
