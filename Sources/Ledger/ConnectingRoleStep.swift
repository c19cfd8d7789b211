import Postgres

/// A step with the rights of the connecting role: a query that returns the statements still to
/// run.
///
/// The query has the columns `statement` (text) and `runs_alone` (boolean, for what no transaction
/// allows) and reads the catalog. Each statement is a transaction of its own, and the query is
/// run again after each, so a step that was interrupted goes on, and one that is done does
/// nothing.
public struct ConnectingRoleStep: Sendable {
    let query: PostgresStatement

    /// What such a query begins with.
    static let firstLine = "-- returns statements for the connecting role\n"

    /// Row security for the application's tables that do not have it on.
    public static let rowSecurity = ConnectingRoleStep(query: SQL.rlsEnable)
    /// Row security also for the owners of the application's tables.
    public static let forcedRowSecurity = ConnectingRoleStep(query: SQL.rlsForce)
    /// The CHECK of `payment_status`.
    public static let adoptedStanding = ConnectingRoleStep(query: SQL.standingAdopt)
    /// `api_usage.api_calls` as BIGINT.
    public static let wideUsage = ConnectingRoleStep(query: SQL.usageRewrite)
}

extension Migrator {
    /// The statements that `run` would run first, as far as the catalog tells now. Changes nothing.
    public func preview(_ step: ConnectingRoleStep) async throws(MigrationError) -> [String] {
        try await migrating { connection in
            try await connection.query(step.query).map { try $0.text("statement") }
        }
    }

    /// Runs a step under the lock of migrations and returns its statements; none when it was done
    /// before.
    ///
    /// - Parameter progress: Takes one line for each statement, and more while waiting.
    public func run(
        _ step: ConnectingRoleStep, progress: (String) -> Void = { _ in }
    ) async throws(MigrationError) -> [String] {
        try await locked(waitingAtMost: .seconds(300), progress: progress) { connection in
            guard try await pending(on: connection).files.isEmpty else {
                throw MigrationError.missingRight("run metering-worker migrate first")
            }
            return try await run(step.query, on: connection, progress: progress)
        }
    }

    /// Asks `query` and runs what it answers, until it answers nothing.
    func run(
        _ query: PostgresStatement, on connection: PostgresConnection, progress: (String) -> Void
    ) async throws -> [String] {
        var done: [String] = []
        while let next = try await connection.query(query).first {
            let statement = try next.text("statement")
            guard statement != done.last else { throw MigrationError.withoutEffect(query.name) }
            progress(statement)
            if try next.bool("runs_alone") {
                try await watched(query.name, connection, progress: progress) { connection in
                    try await connection.script(statement, timeout: Self.fileTimeout)
                }
            } else {
                try await patiently(query.name, connection, progress: progress) { connection in
                    try await connection.script(statement, timeout: Self.fileTimeout)
                }
            }
            done.append(statement)
        }
        return done
    }
}
