import Counters
import Metering
import Quotas
import Redis
import TestSupport
import Testing
import WorkerSupport

@testable import MeteringWorker

/// Each row of docs/direct.md, tried with the rights that stand there.
@Suite(.timed, .serialized) struct `Rights of a direct caller` {
    private typealias Act = @Sendable (DirectUser, ClinicID) async throws -> Void

    @Test func `reach as far as their page says`() async throws {
        try await Self.tryEach(DirectPage().can, Self.can)
    }

    @Test func `end where their page says`() async throws {
        try await Self.tryEach(DirectPage().cannot, Self.cannot)
    }

    private static func tryEach(_ rows: [String], _ acts: [String: Act]) async throws {
        #expect(Set(rows) == Set(acts.keys))
        // Nobody but the test may look at the values.
        try await DirectUser.lend(["METERING_SWEEP_INTERVAL": "1h"]) { user in
            for row in rows { try await acts[row]?(user, try await user.clinic()) }
        }
    }

    private static let can: [String: Act] = [
        "count any units for any clinic": {
            (user: DirectUser, clinic: ClinicID) async throws -> Void in
            let request = CheckRequest(
                limit: 0, mode: .force, cost: 1_000_000, mark: nil, nonce: 1)
            #expect(try await user.counters.check(clinic, request).verdict == .allowed)
            #expect(try await user.value(of: clinic)?.used == 1_000_003)
        },
        "call `metering_configure` for any clinic: other limits, another quota": {
            (user: DirectUser, clinic: ClinicID) async throws -> Void in
            let value = try #require(try await user.value(of: clinic))
            let configuration = CounterTerms(
                flags: value.flags, version: value.version + 1, period: value.period,
                periodEnd: value.periodEnd, nextPeriodEnd: 0, quota: 1, nextQuota: 1, limits: [],
                base: 0, basePeriod: 0, baseEpoch: .none)
            let reply = try await user.counters.configure(clinic, configuration)
            #expect(reply.verdict == .configured)
            #expect(try await user.site.check(clinic).status == 429)
            // The sweep finds a version that PostgreSQL does not have.
            try await waitUntil("the clinic has its own quota again") {
                try await user.site.worker.sweepOnce()
                return try await user.site.check(clinic).status == 200
            }
        },
        "overwrite a value with `SET`": {
            (user: DirectUser, clinic: ClinicID) async throws -> Void in
            let key = clinic.counterKey
            let old = try #require(try await user.send("GET", "\(key)").bytes)
            for _ in 0..<2 { #expect(try await user.site.check(clinic).status == 200) }
            #expect(try await user.send("SET", "\(key)", .bytes(old)).serverError == nil)
            let epoch = try await user.value(of: clinic)?.epoch
            // The worker has seen five.
            #expect(try Answer(try await user.site.check(clinic)).usage.used == 6)
            #expect(try await user.value(of: clinic)?.epoch != epoch)
        },
        "delete a value, by `SET` with an end of time": {
            (user: DirectUser, clinic: ClinicID) async throws -> Void in
            let key = clinic.counterKey
            let set = try await user.send("SET", "\(key)", "x", "PX", 1)
            #expect(set.serverError == nil)
            try await waitUntil("the value is gone") {
                try await user.send("GET", "\(key)").bytes == nil
            }
            #expect(try Answer(try await user.site.check(clinic)).usage.used == 4)
        },
        "call `metering_settle` for counts that PostgreSQL does not have": {
            (user: DirectUser, clinic: ClinicID) async throws -> Void in
            let key = clinic.counterKey
            let old = try #require(try await user.send("GET", "\(key)").bytes)
            #expect(try await user.site.check(clinic).status == 200)
            _ = try await user.send("SET", "\(key)", .bytes(old))
            // A new epoch begins, and the old one is closed in the value.
            #expect(try await user.site.check(clinic).status == 200)
            let closed = try #require(try await user.value(of: clinic)?.closed)
            #expect(closed.map(\.isSettled) == [false])
            #expect(try await user.counters.settle(clinic, closed) == 1)
        },
        "read the counts of every clinic": {
            (user: DirectUser, clinic: ClinicID) async throws -> Void in
            let bytes = try #require(try await user.send("GET", "\(clinic.counterKey)").bytes)
            #expect(CounterValue(decoding: bytes)?.used == 3)
        },
    ]

    private static let cannot: [String: Act] = [
        "delete a counter by `DEL`, or let `metering_forget` do it": {
            (user: DirectUser, clinic: ClinicID) async throws -> Void in
            let key = clinic.counterKey
            #expect(try await user.isRefused("DEL", "\(key)"))
            #expect(try await user.isRefused("UNLINK", "\(key)"))
            let value = try #require(try await user.value(of: clinic))
            let count = CounterValue.Closed(
                period: value.period, epoch: value.epoch, used: value.used,
                credited: value.credited)
            let reply = try await user.send(
                "FCALL", "metering_forget", 1, "\(key)", .bytes(count.confirmation))
            #expect(reply.serverError != nil)
            #expect(try await user.value(of: clinic) == value)
            // Nothing but the right was missing.
            #expect(try await user.site.worker.counters.forget(clinic, confirmed: count))
        },
        "load, replace or delete the function library": {
            (user: DirectUser, _: ClinicID) async throws -> Void in
            #expect(try await user.isRefused("FUNCTION", "DELETE", "metering"))
            #expect(try await user.isRefused("FUNCTION", "FLUSH"))
            let library = "#!lua name=metering\nredis.register_function('x', function() end)"
            #expect(try await user.isRefused("FUNCTION", "LOAD", "REPLACE", "\(library)"))
            #expect(try await user.isRefused("FUNCTION", "DUMP"))
        },
        "read or write other keys, also those of reservations and request ids": {
            (user: DirectUser, clinic: ClinicID) async throws -> Void in
            for key in ["session", "hold:{\(clinic)}", "seen:{\(clinic)}:0", "q:\(clinic)"] {
                #expect(try await user.isRefused("GET", "\(key)"))
                #expect(try await user.isRefused("SET", "\(key)", "x"))
                #expect(
                    try await user.isRefused("FCALL", "metering_check", 1, "\(key)", "x"))
            }
        },
        "list keys, empty the database, or change settings and users": {
            (user: DirectUser, _: ClinicID) async throws -> Void in
            #expect(try await user.isRefused("KEYS", "*"))
            #expect(try await user.isRefused("SCAN", 0))
            #expect(try await user.isRefused("FLUSHALL"))
            #expect(try await user.isRefused("FLUSHDB"))
            #expect(try await user.isRefused("CONFIG", "GET", "*"))
            #expect(try await user.isRefused("CONFIG", "SET", "maxmemory", "1"))
            #expect(try await user.isRefused("ACL", "SETUSER", "direct", "+@all"))
            #expect(try await user.isRefused("EVAL", "return 1", 0))
        },
    ]
}
