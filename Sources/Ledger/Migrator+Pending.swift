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

    func pending(on connection: PostgresConnection) async throws -> [MigrationFile] {
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
}
