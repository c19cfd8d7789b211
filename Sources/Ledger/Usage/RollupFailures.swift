import Postgres

/// The failures of a run that continues with the next bucket.
struct RollupFailures {
    private var first: (any Error)?
    private var deadlines = 0

    /// A server that stopped answering must not be waited for 64 times.
    static let deadlinesMax = 4

    /// Keeps the first error of a bucket, and throws what the next bucket would fail with too.
    mutating func note(_ error: any Error) throws {
        guard let cause = Self.cause(error), Self.concernsOneBucket(cause) else { throw error }
        if case .deadline = cause { deadlines += 1 }
        guard deadlines < Self.deadlinesMax else { throw error }
        first = first ?? error
    }

    /// Throws what was kept.
    func end() throws {
        if let first { throw first }
    }

    private static func cause(_ error: any Error) -> PostgresError? {
        switch error {
        case let error as PostgresError: error
        case LedgerError.store(let error): error
        default: nil
        }
    }

    private static func concernsOneBucket(_ cause: PostgresError) -> Bool {
        switch cause {
        case .server(let error): !error.sqlState.isResources && !error.sqlState.isConnection
        case .deadline, .connectionLost, .commitUnknown, .decoding: true
        case .configuration, .connect, .untrusted, .authentication, .cancelled, .poolExhausted,
            .rolledBack,
            .tooManyRows, .closed, .connectionBusy, .unsuitableStatement:
            false
        }
    }
}
