import Postgres

// How a running application is not held up: a lock that does not come soon is given up and asked
// for again.
extension Migrator {
    /// Runs `work` in a transaction, again until it got its locks.
    ///
    /// Sessions queue behind a waiting lock request, so it is given up after half a second; between
    /// two attempts the application goes on.
    func patiently<R: Sendable>(
        _ name: String, _ connection: PostgresConnection, progress: (String) -> Void,
        _ work: @escaping @Sendable (PostgresConnection) async throws -> R
    ) async throws -> R {
        let clock = ContinuousClock()
        let deadline = clock.now.advanced(by: patience)
        var said: String?
        // One line for each answer, not for each attempt.
        func sayOnce(_ line: String) {
            if line != said { progress(line) }
            said = line
        }
        while true {
            do {
                return try await watched(name, connection, progress: sayOnce) { connection in
                    try await connection.transaction(retries: 0) { connection in
                        try await connection.execute(SQL.migrationLockTimeout)
                        return try await work(connection)
                    }
                }
            } catch PostgresError.server(let error) where error.isOfLocks {
                guard clock.now < deadline else {
                    throw MigrationError.busy(name, waited: patience)
                }
                // On a busy machine the wait may end before the blocking sessions can be read.
                if said == nil { sayOnce("\(name) waits for tables that are in use") }
                try await clock.sleep(for: Self.pauseBetweenAttempts)
            }
        }
    }

    /// Runs `work`, and says through another connection of the pool for whom its session waits.
    func watched<R: Sendable>(
        _ name: String, _ connection: PostgresConnection, progress: (String) -> Void,
        _ work: @escaping @Sendable (PostgresConnection) async throws -> R
    ) async throws -> R {
        guard let session = try await connection.query(SQL.migrationSession).first?.int64("pid")
        else { throw MigrationError.missingRight("the catalog cannot be read") }
        return try await withThrowingTaskGroup(of: R?.self) { group in
            group.addTask { try await work(connection) }
            group.addTask { await Self.tick() }
            var said: String?
            while let end = try await group.next() {
                if let answer = end {
                    group.cancelAll()
                    return answer
                }
                let others = await blockers(of: session)
                if let others, others != said { progress("\(name) waits for \(others)") }
                said = others ?? said
                group.addTask { await Self.tick() }
            }
            throw CancellationError()
        }
    }

    /// Shorter than the time after which a lock is given up.
    private static func tick<R>() async -> R? {
        try? await Task.sleep(for: .milliseconds(300))
        return nil
    }

    /// nil while it waits for no session, or when that cannot be read.
    private func blockers(of session: Int64) async -> String? {
        let rows = try? await pool.query(SQL.migrationBlockers, [.int64(session)])
        return try? rows?.first?.optionalText("blockers")
    }
}

extension PostgresServerError {
    /// The statement did not get a lock, and may when it is asked for again.
    var isOfLocks: Bool { sqlState == .lockNotAvailable || sqlState == .deadlockDetected }
}
