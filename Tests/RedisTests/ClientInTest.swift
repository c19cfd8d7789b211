import LocalServers
import Logging
import NIOCore
import NIOPosix
import Synchronization
import TestSupport

@testable import Redis

/// Opens a client for one story and closes it behind it. Deadlines are long: a busy machine is no fault.
func withClient<Result>(
    _ url: String, _ change: (inout RedisConfiguration) -> Void = { _ in },
    on group: any EventLoopGroup = .singletonMultiThreadedEventLoopGroup,
    _ story: (RedisClient) async throws -> Result
) async throws -> Result {
    var configuration = try RedisConfiguration(url)
    configuration.commandTimeout = .seconds(60)
    configuration.connectTimeout = .seconds(10)
    change(&configuration)
    let client = RedisClient(
        configuration: configuration, eventLoopGroup: group, logger: .silent)
    return try await withResource({ client }, release: { await $0.close() }, story)
}

/// Starts a Redis for one story and removes it behind it.
func withRedis<Result>(
    _ options: RedisOptions = RedisOptions(appendOnly: false),
    _ story: (LocalRedis) async throws -> Result
) async throws -> Result {
    try await LocalRedis.lend(options, story)
}

extension RedisClient {
    /// Waits for the reply to a PING; an error reply is thrown.
    func ping(timeout: Duration? = nil) async throws(RedisError) {
        if let error = try await send(RedisCommand("PING"), timeout: timeout).serverError {
            throw .refused(error)
        }
    }
}

/// What `body` throws, `nil` when it does not.
func failure(
    _ body: () async throws(RedisError) -> some Any
) async -> RedisError? {
    do {
        _ = try await body()
        return nil
    } catch { return error }
}

/// What callbacks were told, in order.
final class Answers: Sendable {
    private let told = Mutex<[Result<RedisReply, RedisError>]>([])

    var all: [Result<RedisReply, RedisError>] { told.withLock { $0 } }

    func add(_ answer: Result<RedisReply, RedisError>) { told.withLock { $0.append(answer) } }
}
