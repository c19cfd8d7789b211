import LocalServers
import Logging
import Postgres
import Synchronization
import TestSupport

/// A database of its own in the tests' private server.
struct TestDatabase {
    private static let count = Mutex(0)

    let name: String
    let server: LocalPostgres

    init() async throws {
        server = try await TestServers.shared().postgres
        name = Self.count.withLock { count in
            count += 1
            return "postgres_room_\(count)"
        }
        try await server.createDatabase(name)
    }

    func configuration() throws -> PostgresConfiguration {
        try PostgresConfiguration(server.superuserURL(database: name))
    }

    /// A pool on this database, changed by `change` before it starts.
    func pool(_ change: (inout PostgresConfiguration) -> Void = { _ in }) throws -> PostgresPool {
        var configuration = try configuration()
        configuration.callTimeout = .seconds(60)
        configuration.waitTimeout = .seconds(60)
        configuration.connectTimeout = .seconds(60)
        change(&configuration)
        return PostgresPool(configuration: configuration, logger: Logger(label: "test"))
    }
}

/// A statement without a name that matters.
func sql(_ text: String) -> PostgresStatement { PostgresStatement(name: "test", text: text) }

/// The error of a call that has to fail with one of ours.
func failure(_ body: () async throws -> Void) async throws -> PostgresError {
    do { try await body() } catch let error as PostgresError { return error }
    throw NoFailure()
}

struct NoFailure: Error {}

/// Lets tasks wait for one moment that a test decides on.
final class Gate: Sendable {
    private let stream: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init() { (stream, continuation) = AsyncStream.makeStream() }

    func open() { continuation.finish() }
    func passed() async { for await _ in stream {} }
}

/// Counts across tasks.
final class Counter: Sendable {
    private let number = Mutex(0)

    var count: Int { number.withLock { $0 } }

    /// The number of calls so far, this one included.
    @discardableResult
    func next() -> Int {
        number.withLock { number in
            number += 1
            return number
        }
    }
}
