public import Postgres

/// Brings a database to this program's schema: forward only, each file once, checksummed.
///
/// Connects directly, not through a pooler: the lock of a run belongs to its session.
public struct Migrator: Sendable {
    let pool: PostgresPool
    let files: [MigrationFile]
    /// Building an index concurrently may wait for every old transaction of the server.
    static let fileTimeout: Duration = .seconds(3_600)
    static let pollInterval: Duration = .milliseconds(200)

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

extension Migrator {
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
