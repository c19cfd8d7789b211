import Counters
import DatabaseSupport
import Foundation
import LocalServers
import Metering
import NIOPosix
import Quotas
import Redis
import TestSupport
import Testing
import WorkerSupport

@testable import MeteringWorker

/// What docs/direct.md says of the rights of a direct caller.
struct DirectPage {
    /// The words of the user's line: name, password, keys and commands.
    let rights: [String]
    /// The first cells of the tables.
    let can: [String]
    let cannot: [String]

    init() throws {
        let lines = try Self.lines(of: "docs/direct.md")
        rights = try Self.rights(of: "direct", in: lines)
        can = Self.rows(under: "| it can |", in: lines)
        cannot = Self.rows(under: "| it cannot |", in: lines)
    }

    /// What `ACL SETUSER` takes, from the line of a page that begins with `user NAME`.
    static func rights(of user: String, on page: String) throws -> [String] {
        try rights(of: user, in: lines(of: page))
    }

    private static func rights(of user: String, in lines: [Substring]) throws -> [String] {
        let line = try #require(lines.first { $0.hasPrefix("user \(user) ") })
        return line.split(separator: " ").dropFirst().map(String.init)
    }

    private static func lines(of page: String) throws -> [Substring] {
        try String(contentsOfFile: "\(ProjectRoot.path)/\(page)", encoding: .utf8)
            .split(separator: "\n", omittingEmptySubsequences: false)
    }

    private static func rows(under head: String, in lines: [Substring]) -> [String] {
        lines.drop { !$0.hasPrefix(head) }.dropFirst(2).prefix { $0.hasPrefix("|") }.map { row in
            row.split(separator: "|")[0].trimmingCharacters(in: .whitespaces)
        }
    }
}

/// A user of Redis with these rights, beside a worker whose login may do anything.
struct DirectUser: Sendable {
    let site: RunningWorker
    let redis: RedisClient

    /// `unix://direct:password@/tmp/…/redis.sock`
    var url: String { Self.url(site) }

    private static func url(_ site: RunningWorker) -> String {
        site.redis.url.replacing("unix://", with: "unix://direct:password@")
    }

    static func lend(
        _ settings: [String: String] = [:], _ body: (DirectUser) async throws -> Void
    ) async throws {
        try await RunningWorker.lend(settings) { site in
            let made = try await site.redis.client(["ACL", "SETUSER"] + DirectPage().rights)
            #expect(made == "OK\n")
            var configuration = try RedisConfiguration(url(site))
            configuration.connections = 1
            configuration.commandTimeout = .seconds(5)
            let redis = RedisClient(
                configuration: configuration,
                eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: .silent)
            try await withResource(
                { DirectUser(site: site, redis: redis) }, release: { await $0.redis.close() }, body)
        }
    }

    var counters: RedisCounterStore { RedisCounterStore(redis: redis) }

    func send(_ name: String, _ arguments: RedisArgument...) async throws -> RedisReply {
        try await redis.send(RedisCommand(name, arguments))
    }

    /// Whether Redis says that this user may not do it.
    func isRefused(_ name: String, _ arguments: RedisArgument...) async throws -> Bool {
        try await redis.send(RedisCommand(name, arguments)).serverError?.code == "NOPERM"
    }

    /// A clinic of which the worker has counted three calls.
    func clinic() async throws -> ClinicID {
        let clinic = try await site.database.clinic(#"{"quota":{"api_calls":5000000}}"#)
        for _ in 0..<3 { #expect(try await site.check(clinic).status == 200) }
        return clinic
    }

    func value(of clinic: ClinicID) async throws -> CounterValue? {
        try await site.worker.counters.values(of: [clinic])[0].value
    }
}

extension ClinicID {
    /// The name of its counter in Redis.
    var counterKey: String { "q:{\(self)}" }
}
