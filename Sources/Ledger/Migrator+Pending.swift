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

    /// Which way the database goes, and what is still to apply.
    struct Pending {
        let way: MigrationWay
        let files: [MigrationFile]
        let functions: [MigrationPlan.KnownFunction]
        /// Whether the files that act on the application's tables are applied.
        var isAttachedYet: Bool { !files.contains { $0.version <= Migrator.attachedFrom } }
    }

    /// The last of the files that make, change or grant the application's tables.
    static let attachedFrom: Int64 = 6

    func pending(on connection: PostgresConnection) async throws -> Pending {
        guard let state = try await connection.query(SQL.schemaState).first else {
            throw MigrationError.missingRight("the catalog cannot be read")
        }
        let hasRecord = try state.bool("has_record")
        if try !hasRecord && state.bool("has_schema") {
            throw MigrationError.missingRight(
                "schema metering exists without its record of migrations; nothing was changed")
        }
        let applied = hasRecord ? try await applied(on: connection) : []
        let way = MigrationPlan.way(
            applied: applied, hasTables: try state.optionalText("existing_table") != nil)
        let pending = Pending(
            way: way,
            files: try MigrationPlan.pending(
                try await known(way, on: connection), applied: applied),
            functions: try await changedFunctions(on: connection, hasRecord: hasRecord))
        if !pending.files.isEmpty || !pending.functions.isEmpty {
            try await requireRights(on: connection)
        }
        if hasRecord { try await requireFunctionRights(pending.functions, on: connection) }
        if way == .attached && !pending.isAttachedYet { try await requireTables(on: connection) }
        return pending
    }

    /// Refuses triggers of the team that have names of ours, and a login that may not change the
    /// triggers that differ, before anything is changed.
    func requireTriggers(on connection: PostgresConnection) async throws {
        let differences = try await triggerDifferences(on: connection)
        let taken = differences.flatMap { difference in
            difference.taken.map { name in
                AttachProblem(
                    what: "\(difference.place) has a trigger \(name) of its own",
                    remedy: "ALTER TRIGGER \(name) ON \(difference.place) RENAME TO <another name>")
            }
        }
        guard taken.isEmpty else { throw MigrationError.cannotAttach(taken) }
        for difference in differences {
            guard let remedy = difference.remedy else { continue }
            throw MigrationError.missingRight(
                """
                this role may not change \(difference.triggers) on \(difference.place): connect as \
                its owner, or \(remedy)
                """)
        }
    }

    /// Refuses a login that may not give a function to `metering_owner`, before anything is
    /// changed.
    private func requireFunctionRights(
        _ functions: [MigrationPlan.KnownFunction], on connection: PostgresConnection
    ) async throws {
        let names = PostgresValue.textArray(functions.map(\.file.name))
        for row in try await connection.query(SQL.migrationFunctionOwners, [names]) {
            guard let remedy = try row.optionalText("remedy") else { continue }
            throw MigrationError.missingRight(remedy)
        }
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

    /// The functions and views to apply; all of them in a database without a record.
    func changedFunctions(
        on connection: PostgresConnection, hasRecord: Bool = true
    ) async throws -> [MigrationPlan.KnownFunction] {
        let texts = PostgresValue.textArray(functions.map(\.text))
        let rows = try await connection.query(SQL.migrationChecksums, [texts])
        let known = try zip(functions, rows).map { file, row in
            MigrationPlan.KnownFunction(file: file, checksum: try row.bytes("checksum"))
        }
        guard hasRecord else { return known }
        let names = functions.map(\.name)
        let applied = try await applied(names, on: connection)
        let forms = try await connection.transaction(readOnly: true, retries: 0) { connection in
            try await self.forms(of: names, on: connection)
        }
        return MigrationPlan.changed(
            known, applied: applied, forms: forms)
    }

    /// The functions and views as they were applied last, by name.
    func applied(
        _ functions: [String], on connection: PostgresConnection
    ) async throws -> [String: MigrationPlan.AppliedFunction] {
        let rows = try await connection.query(
            SQL.migrationFunctions, [.textArray(functions)]
        ).map { row in
            let function = MigrationPlan.AppliedFunction(
                checksum: try row.bytes("checksum"), form: try row.bytes("form"))
            return (try row.text("name"), function)
        }
        return Dictionary(rows, uniquingKeysWith: { first, _ in first })
    }

    private func requireRights(on connection: PostgresConnection) async throws {
        guard let row = try await connection.query(SQL.migrationRoleRights).first else { return }
        let createsRoles = try row.bool("creates_roles")
        let hasRoles = try row.bool("has_roles")
        if !hasRoles && !createsRoles {
            throw MigrationError.missingRight(
                """
                this role cannot create metering_owner, metering_worker, billing_admin, \
                billing_viewer and clinic_app: connect as one with CREATEROLE, or let an \
                administrator create them NOLOGIN
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
