import Postgres
import Synchronization
import TestSupport

/// A statement without a name that matters.
func sql(_ text: String) -> PostgresStatement { PostgresStatement(name: "test", text: text) }

/// The error of a call that has to fail with one of ours.
func failure(_ body: () async throws -> Void) async throws -> PostgresError {
    do { try await body() } catch let error as PostgresError { return error }
    throw TestFailure("the call has to fail with a PostgresError, and it did not")
}

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
