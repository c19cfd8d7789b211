import Postgres

// What is to be done, and whether this program may do it.
extension Migrator {
    func takeLock(
        on connection: PostgresConnection, wait: Duration, progress: (String) -> Void
    ) async throws {
        let clock = ContinuousClock()
        let deadline = clock.now.advanced(by: wait)
        var waits = 0
        while try await connection.query(SQL.migrationLock).first?.bool("taken") != true {
            if waits.isMultiple(of: 25) { progress("another program is migrating; waiting") }
            guard clock.now < deadline else { throw MigrationError.locked(waited: wait) }
            waits += 1
            try await clock.sleep(for: Self.pollInterval)
        }
    }

    /// Which way the database goes, and what of it is still to apply.
    struct Pending {
        let way: MigrationWay
        let files: [MigrationFile]
        /// Whether the files that the two ways do not share are applied.
        var isAttachedYet: Bool { !files.contains { $0.version <= Migrator.attachedFrom } }
    }

    /// The last file of the two ways' own.
    static let attachedFrom: Int64 = 7

    func pending(on connection: PostgresConnection) async throws -> Pending {
        guard let state = try await connection.query(SQL.schemaState).first else {
            return Pending(way: .new, files: files)
        }
        let hasRecord = try state.bool("has_record")
        if try !hasRecord && state.bool("has_schema") {
            throw MigrationError.missingRight(
                "schema metering is there without its record; it is not ours, nothing was changed")
        }
        let applied = hasRecord ? try await applied(on: connection) : []
        let way = MigrationPlan.way(
            applied: applied, hasTables: try state.optionalText("existing_table") != nil)
        let pending = Pending(
            way: way,
            files: try MigrationPlan.pending(
                try await known(way, on: connection), applied: applied))
        if !pending.files.isEmpty { try await requireRights(on: connection) }
        if way == .attached && !pending.isAttachedYet { try await requireTables(on: connection) }
        return pending
    }

    func applied(
        on connection: PostgresConnection
    ) async throws -> [MigrationPlan.Applied] {
        try await connection.query(SQL.migrationApplied).map { row in
            MigrationPlan.Applied(
                version: try row.int64("version"), name: try row.text("name"),
                checksum: try row.bytes("checksum"))
        }
    }

    /// Refuses tables that lack what metering needs, before anything is changed.
    private func requireTables(on connection: PostgresConnection) async throws {
        let problems = try await connection.query(SQL.attachProblems).map { row in
            AttachProblem(what: try row.text("what"), remedy: try row.text("remedy"))
        }
        guard problems.isEmpty else { throw MigrationError.cannotAttach(problems) }
    }

    /// The database computes the checksums, so that they are the same wherever they are compared.
    func known(
        _ way: MigrationWay, on connection: PostgresConnection
    ) async throws -> [MigrationPlan.Known] {
        let files = way == .attached ? attaching : files
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
}
