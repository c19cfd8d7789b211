public import Postgres

/// Brings a database to this program's schema: forward only, each file once, checksummed.
///
/// Connects directly, not through a pooler: the lock of a run belongs to its session.
public struct Migrator: Sendable {
    private let pool: PostgresPool
    private let files: [MigrationFile]
    /// Building an index concurrently may wait for every old transaction of the server.
    private static let fileTimeout: Duration = .seconds(3_600)
    private static let pollInterval: Duration = .milliseconds(200)

    public init(pool: PostgresPool) { self.init(pool: pool, files: MigrationFile.all) }

    init(pool: PostgresPool, files: [MigrationFile]) {
        self.pool = pool
        self.files = files
    }

    /// The files that `apply` would run now. Changes nothing.
    public func plan() async throws(MigrationError) -> [MigrationFile] {
        try await migrating { connection in try await pending(on: connection) }
    }

    /// Applies what is pending and returns it. Two at once: the second waits, then finds nothing to do.
    ///
    /// - Parameters:
    ///   - wait: How long another program's run is waited for.
    ///   - progress: Takes one line for each file, and one while waiting.
    public func apply(
        waitingAtMost wait: Duration = .seconds(300), progress: (String) -> Void = { _ in }
    ) async throws(MigrationError) -> [MigrationFile] {
        try await migrating { connection in
            try await takeLock(on: connection, wait: wait, progress: progress)
            do {
                let pending = try await pending(on: connection)
                for file in pending {
                    progress("applying \(file.name)")
                    try await apply(file, on: connection)
                }
                _ = try await connection.query(SQL.migrationUnlock)
                return pending
            } catch {
                // The lock also ends with the session, so a failure here hides nothing.
                _ = try? await connection.query(SQL.migrationUnlock)
                throw error
            }
        }
    }

    /// What gives the logins of the worker and of the reports their rights.
    public static func grants(workerLogin: String, adminLogin: String) -> [String] {
        ["GRANT metering_worker TO \(workerLogin);", "GRANT billing_admin TO \(adminLogin);"]
    }
}

// MARK: Steps

extension Migrator {
    private func takeLock(
        on connection: PostgresConnection, wait: Duration, progress: (String) -> Void
    ) async throws {
        let clock = ContinuousClock()
        let deadline = clock.now.advanced(by: wait)
        var waits = 0
        while try await connection.query(SQL.migrationLock).first?.bool("taken") != true {
            guard clock.now < deadline else { throw MigrationError.locked(waited: wait) }
            if waits.isMultiple(of: 25) { progress("another program is migrating; waiting") }
            waits += 1
            try await clock.sleep(for: Self.pollInterval)
        }
    }

    private func pending(on connection: PostgresConnection) async throws -> [MigrationFile] {
        guard let state = try await connection.query(SQL.schemaState).first else { return files }
        guard try state.bool("has_record") else {
            if let table = try state.optionalText("existing_table") {
                throw MigrationError.existingTables(table)
            }
            if try state.bool("has_schema") {
                throw MigrationError.missingRight(
                    "schema metering is there without its record; it is not ours, nothing was changed"
                )
            }
            try await requireRights(on: connection)
            return files
        }
        let applied = try await connection.query(SQL.migrationApplied).map { row in
            MigrationPlan.Applied(
                version: try row.int64("version"), name: try row.text("name"),
                checksum: try row.bytes("checksum"))
        }
        let pending = try MigrationPlan.pending(try await known(on: connection), applied: applied)
        if !pending.isEmpty { try await requireRights(on: connection) }
        return pending
    }

    /// The database computes the checksums, so that they are the same wherever they are compared.
    private func known(on connection: PostgresConnection) async throws -> [MigrationPlan.Known] {
        let rows = try await connection.query(
            SQL.migrationChecksums, [.textArray(files.map(\.text))])
        return try zip(files, rows).map { file, row in
            MigrationPlan.Known(file: file, checksum: try row.bytes("checksum"))
        }
    }

    private func requireRights(on connection: PostgresConnection) async throws {
        guard let row = try await connection.query(SQL.migrationRoleRights).first else { return }
        let createsRoles = try row.bool("creates_roles")
        let hasRoles = try row.bool("has_roles")
        if !hasRoles && !createsRoles {
            throw MigrationError.missingRight(
                """
                this role cannot create metering_owner, metering_worker, billing_admin and \
                clinic_app: connect as one with CREATEROLE, or let an administrator create them NOLOGIN
                """)
        }
        guard try row.bool("creates_schemas") else {
            throw MigrationError.missingRight(
                "this role cannot create a schema here: connect as the owner of the database")
        }
        if try hasRoles && !createsRoles && !row.bool("is_owner") {
            throw MigrationError.missingRight(
                "this role is not a member of metering_owner: GRANT metering_owner TO its login")
        }
    }

    private func apply(_ file: MigrationFile, on connection: PostgresConnection) async throws {
        do {
            if file.runsOutsideTransaction {
                try await applyOutsideTransaction(file, on: connection)
            } else {
                try await connection.transaction(retries: 0) { connection in
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
        _ file: MigrationFile, on connection: PostgresConnection
    ) async throws {
        try await connection.execute(SQL.migrationRoleSet)
        do {
            for statement in file.statements {
                try await connection.script(statement, timeout: Self.fileTimeout)
            }
            try await record(file, on: connection)
        } catch {
            _ = try? await connection.execute(SQL.migrationRoleReset)
            throw error
        }
        try await connection.execute(SQL.migrationRoleReset)
    }

    private func record(_ file: MigrationFile, on connection: PostgresConnection) async throws {
        let rows = try await connection.query(SQL.migrationChecksums, [.textArray([file.text])])
        guard let checksum = try rows.first?.bytes("checksum") else { return }
        try await connection.execute(
            SQL.migrationRecord, [.int64(file.version), .text(file.name), .bytes(checksum)])
    }

    private func migrating<R>(
        _ body: (PostgresConnection) async throws -> R
    ) async throws(MigrationError) -> R {
        do {
            return try await pool.withConnection(body)
        } catch let error as MigrationError {
            throw error
        } catch let error as PostgresError {
            throw .store(error)
        } catch {
            throw .store(.cancelled)
        }
    }
}
