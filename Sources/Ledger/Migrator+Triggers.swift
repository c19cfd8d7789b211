import Postgres

// Our triggers: those that differ are corrected, and what they missed is redone.
extension Migrator {
    func triggerDifferences(
        on connection: PostgresConnection
    ) async throws -> [TriggerDifference] {
        try await connection.query(SQL.triggerDifferences).map { row in
            let name = try row.text("trigger_group")
            guard let group = TriggerGroup(rawValue: name) else {
                throw PostgresError.decoding(
                    column: "trigger_group", expected: "a group of triggers", found: name)
            }
            return TriggerDifference(
                group: group, place: try row.text("place"), isThere: try row.bool("is_there"),
                statement: try row.text("statement"), triggers: try row.text("triggers"),
                remedy: try row.optionalText("remedy"))
        }
    }

    /// The groups whose tables were never taken over.
    func groupsToTakeOver(on connection: PostgresConnection) async throws -> [TriggerGroup] {
        let taken = try await connection.query(SQL.triggerGroups).map { try $0.text("name") }
        return TriggerGroup.allCases.filter { !taken.contains($0.rawValue) }
    }

    /// What `correctTriggers` ran, and what triggers had missed that cannot be redone.
    struct Correction {
        var statements: [String] = []
        var lost: [String] = []
    }

    /// Corrects the triggers that differ and takes their tables over, each group in a transaction.
    func correctTriggers(
        on connection: PostgresConnection, progress: (String) -> Void
    ) async throws -> Correction {
        var done = Correction()
        let untaken = try await groupsToTakeOver(on: connection)
        for group in TriggerGroup.allCases {
            let places = try await differences(in: group, on: connection).map(\.place)
            guard !places.isEmpty || untaken.contains(group) else { continue }
            progress("making the triggers of \(places.joined(separator: ", "))")
            let name = "triggers of \(group.rawValue)"
            let part = try await patiently(name, connection, progress: progress) { connection in
                try await correct(group, named: name, on: connection)
            }
            done.statements += part.statements
            done.lost += part.lost
        }
        return done
    }

    private func differences(
        in group: TriggerGroup, on connection: PostgresConnection
    ) async throws -> [TriggerDifference] {
        try await triggerDifferences(on: connection).filter { $0.group == group && $0.isThere }
    }

    private func correct(
        _ group: TriggerGroup, named name: String, on connection: PostgresConnection
    ) async throws -> Correction {
        let statements = try await differences(in: group, on: connection).map(\.statement)
        do {
            for statement in statements {
                try await connection.script(statement, timeout: Self.fileTimeout)
            }
            guard try await differences(in: group, on: connection).isEmpty else {
                throw MigrationError.withoutEffect(name)
            }
            try await connection.execute(SQL.migrationRoleLocal)
            let lost = try await connection.query(
                SQL.triggerGroupTakeOver, [.text(group.rawValue)], timeout: Self.fileTimeout
            ).compactMap { try $0.optionalText("lost") }
            return Correction(statements: statements, lost: lost)
        } catch let error as PostgresError {
            guard case .server(let server) = error, !server.isOfLocks else { throw error }
            throw MigrationError.file(name, line: server.line, error)
        }
    }
}
