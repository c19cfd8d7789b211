public import Postgres

/// Brings a database to this program's schema: forward only, each file once, checksummed; then the
/// functions and triggers that differ from this program's.
///
/// Connects directly, not through a pooler: the lock of a run belongs to its session. The pool
/// needs two connections: one works, the other tells whom it waits for.
public struct Migrator: Sendable {
    let pool: PostgresPool
    let files: [MigrationFile]
    let attaching: [MigrationFile]
    let functions: [FunctionFile]
    /// How long one step asks for its locks again before it gives up.
    let patience: Duration
    /// Building an index concurrently may wait for every old transaction of the server.
    static let fileTimeout: Duration = .seconds(3_600)
    static let pollInterval: Duration = .milliseconds(200)
    static let pauseBetweenAttempts: Duration = .seconds(1)

    public init(pool: PostgresPool) { self.init(pool: pool, files: MigrationFile.all) }

    init(
        pool: PostgresPool, files: [MigrationFile] = MigrationFile.all,
        attaching: [MigrationFile] = MigrationFile.attaching,
        functions: [FunctionFile] = FunctionFile.all, patience: Duration = .seconds(600)
    ) {
        self.pool = pool
        self.files = files
        self.attaching = attaching
        self.functions = functions
        self.patience = patience
    }

    /// The files that `apply` would run now. Changes nothing.
    public func plan() async throws(MigrationError) -> [MigrationFile] {
        try await migrating { connection in try await pending(on: connection).files }
    }

    /// Applies what is pending and returns it. Two at once: the second waits, then finds nothing to
    /// do.
    ///
    /// - Parameters:
    ///   - wait: How long another program's run is waited for.
    ///   - progress: Takes one line for each file and statement, and more while waiting.
    @discardableResult
    public func apply(
        waitingAtMost wait: Duration = .seconds(300), progress: (String) -> Void = { _ in }
    ) async throws(MigrationError) -> MigrationOutcome {
        try await locked(waitingAtMost: wait, progress: progress) { connection in
            let pending = try await pending(on: connection)
            if pending.isAttachedYet { try await requireTriggers(on: connection) }
            if pending.way == .attached, pending.files.count == attaching.count {
                progress("the application's tables exist: attaching to them")
            }
            var steps: [MigrationStep] = []
            for file in pending.files {
                progress("applying \(file.name)")
                let statements = try await apply(file, on: connection, progress: progress)
                steps += [.file(file)] + statements.map(MigrationStep.statement)
            }
            let functions = try await applyFunctions(on: connection, progress: progress)
            if !functions.names.isEmpty { steps.append(.functions(functions.names)) }
            let partitions = try await makePartitions(on: connection, progress: progress)
            let correction = try await correctTriggers(on: connection, progress: progress)
            steps += correction.statements.map(MigrationStep.statement)
            return MigrationOutcome(
                steps: steps, partitions: partitions, lost: functions.lost + correction.lost)
        }
    }

    /// What gives the logins of the worker, the reports and the administrators their rights.
    public static func grants(
        workerLogin: String, viewerLogin: String, adminLogin: String
    ) -> [String] {
        [
            "GRANT metering_worker TO \(workerLogin);",
            "GRANT billing_viewer TO \(viewerLogin);",
            "GRANT billing_admin TO \(adminLogin);",
        ]
    }
}

extension Migrator {
    func migrating<R>(
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

    /// Refuses a pooler, which would give the lock to a session of other programs.
    static func requireDirect(_ connection: PostgresConnection) throws(MigrationError) {
        guard !connection.isPooled else { throw .pooled }
    }

    /// Runs `body` under the lock of migrations.
    func locked<R>(
        waitingAtMost wait: Duration, progress: (String) -> Void,
        _ body: (PostgresConnection) async throws -> R
    ) async throws(MigrationError) -> R {
        try await migrating { connection in
            try Self.requireDirect(connection)
            try await takeLock(on: connection, wait: wait, progress: progress)
            do {
                let answer = try await body(connection)
                _ = try await connection.query(SQL.migrationUnlock)
                return answer
            } catch {
                // The lock also ends with the session, so a failure here hides nothing.
                _ = try? await connection.query(SQL.migrationUnlock)
                throw error
            }
        }
    }
}
