import Counters
import Crypto
import LocalServers
import Logging
import Metering
import NIOPosix
import Quotas
import Redis
import TestSupport

/// A Redis of its own whose function library reads its clock and its replication id from two keys, so that a
/// test steers both. Nothing else of the library is changed.
struct SteeredRedis {
    let server: LocalRedis
    let client: RedisClient
    let store: RedisCounterStore

    static func lend<Value>(
        _ body: (SteeredRedis) async throws -> Value
    ) async throws -> Value {
        try await LocalRedis.lend(RedisOptions(appendOnly: false)) { server in
            try await withResource(
                { try SteeredRedis(server) }, release: { await $0.client.close() }
            ) { redis in
                try await redis.client.loadFunctions(steeredText(), name: "metering")
                return try await body(redis)
            }
        }
    }

    private init(_ server: LocalRedis) throws {
        var configuration = try RedisConfiguration(server.url)
        configuration.commandTimeout = .seconds(10)
        configuration.connections = 1
        self.server = server
        client = RedisClient(
            configuration: configuration, eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            logger: .silent)
        store = RedisCounterStore(redis: client)
    }

    func set(now: Int64) async throws {
        _ = try await client.send(RedisCommand("SET", ["test:now", .integer(now)]))
    }

    func set(replicationID: String) async throws {
        _ = try await client.send(RedisCommand("SET", ["test:replid", .string(replicationID)]))
    }

    func raw(_ clinic: ClinicID) async throws -> [UInt8]? {
        let key = CounterKey.counter(of: clinic)
        return try await client.send(RedisCommand("GET", [.bytes(key)])).bytes
    }

    func replace(_ clinic: ClinicID, with bytes: [UInt8]?) async throws {
        let key = RedisArgument.bytes(CounterKey.counter(of: clinic))
        let command =
            bytes.map { RedisCommand("SET", [key, .bytes($0)]) } ?? RedisCommand("DEL", [key])
        _ = try await client.send(command)
    }

    func call(_ function: String, _ clinic: ClinicID, _ argument: [UInt8]) async throws
        -> RedisReply
    {
        try await client.send(
            RedisCommand(
                "FCALL",
                [
                    .string(function), 1, .bytes(CounterKey.counter(of: clinic)), .bytes(argument),
                ]))
    }

    private static func steeredText() throws -> String {
        try FunctionLibrary.text
            .replacingBody(of: "now", with: "return tonumber(redis.call('GET', 'test:now'))")
            .replacingBody(of: "replication_id", with: "return redis.call('GET', 'test:replid')")
    }
}

extension String {
    /// The text with the body of one local Lua function replaced; throws when there is none, so that a
    /// renamed function cannot leave a test with the real clock.
    fileprivate func replacingBody(of function: String, with body: String) throws -> String {
        let head = "local function \(function)()\n"
        guard let start = firstRange(of: head),
            let end = self[start.upperBound...].firstRange(of: "\nend\n")
        else { throw TestFailure("the library has a local function \(function)") }
        return self[..<start.upperBound] + "    " + body + self[end.lowerBound...]
    }
}

/// The hash that the library takes of (stamp, time, previous epoch, nonce), and of a replication id.
enum Minting {
    static func stamp(_ replicationID: String) -> UInt64 { first8(Array(replicationID.utf8)) }

    static let mint: @Sendable (UInt64, Int64, Epoch, UInt64) -> Epoch = {
        stamp, now, previous, nonce in
        Epoch(
            rawValue: first8(
                bytes(stamp) + Array("\(now)".utf8) + bytes(previous.rawValue) + bytes(nonce)))
    }

    private static func bytes(_ value: UInt64) -> [UInt8] { Epoch(rawValue: value).bytes }

    private static func first8(_ bytes: [UInt8]) -> UInt64 {
        Insecure.SHA1.hash(data: bytes).prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }
}
