import Postgres

extension Migrator {
    /// Applies a file and records it. Returns the statements that it found, if it asks for some.
    func apply(
        _ file: MigrationFile, on connection: PostgresConnection, progress: (String) -> Void
    ) async throws -> [String] {
        do {
            if file.answersStatements {
                let query = PostgresStatement(name: file.name, text: file.text)
                let statements = try await run(query, on: connection, progress: progress)
                try await connection.transaction(retries: 0) { connection in
                    try await record(file, on: connection)
                }
                return statements
            }
            try await patiently(file.name, connection, progress: progress) { connection in
                if !file.runsAsConnectingRole {
                    try await connection.execute(SQL.migrationRoleLocal)
                }
                try await connection.script(file.text, timeout: Self.fileTimeout)
                try await record(file, on: connection)
            }
            return []
        } catch let error as PostgresError {
            guard case .server(let server) = error else { throw error }
            throw MigrationError.file(file.name, line: server.line, error)
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

    /// The functions and views that were applied, and what triggers that call them had missed and
    /// cannot be redone.
    struct AppliedFunctions {
        var names: [String] = []
        var lost: [String] = []
    }

    /// Applies the functions and views that differ, all or none, and redoes what triggers missed
    /// that call one of them. Each has the owner and the rights that its file gives afterwards, and
    /// no older ones.
    func applyFunctions(
        on connection: PostgresConnection, progress: (String) -> Void
    ) async throws -> AppliedFunctions {
        let changed = try await changedFunctions(on: connection)
        guard !changed.isEmpty else { return AppliedFunctions() }
        progress("applying \(changed.count) functions")
        let names = changed.map(\.file.name)
        do {
            let lost = try await patiently(
                "functions", connection, progress: progress
            ) { connection in
                try await runAll(SQL.migrationFunctionOwners, of: names, on: connection)
                try await connection.execute(SQL.migrationRoleLocal)
                try await runAll(SQL.migrationFunctionRevokes, of: names, on: connection)
                for function in changed {
                    try await apply(function.file, on: connection)
                }
                let missing = try await record(changed, on: connection)
                return try await redo(after: missing, on: connection)
            }
            return AppliedFunctions(names: names, lost: lost)
        } catch MigrationError.file(let file, _, .server(let server))
            where Self.isInTheWay.contains(server.sqlState)
        {
            let name = file.hasSuffix(".sql") ? String(file.dropLast(4)) : file
            let row = try await connection.query(
                SQL.migrationFunctionObstacles, [.text(name)]
            ).first
            guard let remedy = try row?.optionalText("remedy") else {
                throw MigrationError.file(file, line: server.line, .server(server))
            }
            throw MigrationError.refused(
                file, .server(server), remedy: "drop what is in its place, then migrate: \(remedy)")
        }
    }

    /// Another argument or result, an overload, a table in the place of a view, another owner's.
    private static let isInTheWay: Set<SQLState> = ["42P13", "42725", "42809", "42P16", "42501"]

    private func runAll(
        _ query: PostgresStatement, of names: [String], on connection: PostgresConnection
    ) async throws {
        for row in try await connection.query(query, [.textArray(names)]) {
            try await connection.script(try row.text("statement"), timeout: Self.fileTimeout)
        }
    }

    private func apply(_ file: FunctionFile, on connection: PostgresConnection) async throws {
        do throws(PostgresError) {
            try await connection.script(file.text, timeout: Self.fileTimeout)
        } catch {
            guard case .server(let server) = error, !server.isOfLocks else { throw error }
            throw MigrationError.file("\(file.name).sql", line: server.line, error)
        }
    }

    /// Returns the names of those that the catalog held in another form than their recorded file
    /// makes: they were dropped or changed by hand. After a major upgrade of PostgreSQL the file
    /// itself makes another form. Ends the transaction's use of the login's `search_path`.
    private func record(
        _ functions: [MigrationPlan.KnownFunction], on connection: PostgresConnection
    ) async throws -> Set<String> {
        let recorded = try await applied(functions.map(\.file.name), on: connection)
        var missing: Set<String> = []
        let forms = try await forms(of: functions.map(\.file.name), on: connection)
        for function in functions {
            let name = function.file.name
            guard let form = forms[name] else { throw MigrationError.withoutEffect("\(name).sql") }
            try await connection.execute(
                SQL.migrationFunctionRecord,
                [.text(name), .bytes(function.checksum), .bytes(form)])
            let known = MigrationPlan.AppliedFunction(checksum: function.checksum, form: form)
            if recorded[name] == known { missing.insert(name) }
        }
        return missing
    }

    /// What the catalog holds of these functions and views, by name. Call it in a transaction,
    /// whose settings it changes.
    func forms(
        of names: [String], on connection: PostgresConnection
    ) async throws -> [String: [UInt8]] {
        _ = try await connection.query(SQL.migrationCatalogSettings)
        let rows = try await connection.query(
            SQL.migrationFunctionForms, [.textArray(names)]
        ).map { row in (try row.text("name"), try row.bytes("form")) }
        return Dictionary(rows, uniquingKeysWith: { first, _ in first })
    }

    /// Makes the tables of the next months that are missing, and returns how many. The worker does
    /// so daily.
    func makePartitions(
        on connection: PostgresConnection, progress: (String) -> Void
    ) async throws -> Int64 {
        let made = try await patiently(
            "partitions", connection, progress: progress
        ) { connection in
            try await connection.execute(SQL.migrationRoleLocal)
            return try await connection.query(
                SQL.monthPartitionsEnsure, [.int64(Self.monthsAhead)]
            ).first?.int64("made") ?? 0
        }
        if made > 0 { progress("made \(made) partitions for months") }
        return made
    }

    private static let monthsAhead: Int64 = 3
}
