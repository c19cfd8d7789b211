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
                missed: try row.textArray("missed"),
                taken: try row.textArray("taken"), isNew: try row.bool("is_new"),
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
        let found = try await differences(in: group, on: connection)
        let isTaken = try await !groupsToTakeOver(on: connection).contains(group)
        do {
            for difference in found {
                try await connection.script(difference.statement, timeout: Self.fileTimeout)
            }
            guard try await differences(in: group, on: connection).isEmpty else {
                throw MigrationError.withoutEffect(name)
            }
            let written = try await written(found, on: connection)
            var done = Correction(statements: found.map(\.statement))
            guard !written.isEmpty || !isTaken else { return done }
            try await connection.execute(SQL.migrationRoleLocal)
            done.lost = try await takeOver(group, missed: written.flatMap(\.missed), on: connection)
            return done
        } catch let error as PostgresError {
            throw Self.named(name, error)
        }
    }

    /// Those of tables that may have missed a row: not a new partition without one. Call it when
    /// their triggers are made, which keeps others from writing there.
    private func written(
        _ differences: [TriggerDifference], on connection: PostgresConnection
    ) async throws -> [TriggerDifference] {
        var written: [TriggerDifference] = []
        for difference in differences {
            if difference.isNew {
                let row = try await connection.query(
                    SQL.partitionWritten, [.text(difference.place)]
                ).first
                guard try row?.bool("is_written") ?? true else { continue }
            }
            written.append(difference)
        }
        return written
    }

    /// Takes the group's tables over as `metering_owner`, which the transaction must be already,
    /// and returns what cannot be redone.
    private func takeOver(
        _ group: TriggerGroup, missed: [String], on connection: PostgresConnection
    ) async throws -> [String] {
        try await connection.query(
            SQL.triggerGroupTakeOver, [.text(group.rawValue), .textArray(missed)],
            timeout: Self.fileTimeout
        ).compactMap { try $0.optionalText("lost") }
    }

    /// Redoes what triggers missed while these functions were dropped or changed by hand, in the
    /// transaction that put them back. Groups that were never taken over are left to
    /// `correctTriggers`.
    func redo(
        after missing: Set<String>, on connection: PostgresConnection
    ) async throws -> [String] {
        guard !missing.isEmpty else { return [] }
        let callers = FunctionFile.callers(of: missing, among: functions)
        let handlers = try await connection.query(SQL.triggerHandlers).map { row in
            (
                group: try row.text("trigger_group"), name: try row.text("name"),
                function: try row.text("handler")
            )
        }.filter { callers.contains($0.function) }
        let untaken = try await groupsToTakeOver(on: connection)
        var lost: [String] = []
        for group in TriggerGroup.allCases where !untaken.contains(group) {
            let missed = handlers.filter { $0.group == group.rawValue }.map(\.name)
            guard !missed.isEmpty else { continue }
            do {
                lost += try await takeOver(group, missed: missed, on: connection)
            } catch let error as PostgresError {
                throw Self.named("triggers of \(group.rawValue)", error)
            }
        }
        return lost
    }

    /// What a step failed with, by its name. A lock that did not come is asked for again.
    static func named(_ name: String, _ error: PostgresError) -> any Error {
        guard case .server(let server) = error, !server.isOfLocks else { return error }
        // Only our own functions raise errors here, and write no row into their hints.
        if server.routine == "exec_stmt_raise", let hint = server.unsafeHint {
            return MigrationError.refused(name, error, remedy: hint)
        }
        return MigrationError.file(name, line: server.line, error)
    }
}
