import Admission
import Counters
import DatabaseSupport
import LocalServers
import Metering
import Quotas
import Redis
import Synchronization
import TestSupport
import Testing
import WorkerSupport

@testable import MeteringWorker

/// The library, as a program embeds it, beside a worker that keeps PostgreSQL.
@Suite(.timed, .serialized) struct `Embedded quotas` {
    /// Counts reach the ledger by posted marks only: the sweep would read them too.
    private static let quiet = ["METERING_SWEEP_INTERVAL": "1h"]

    @Test func `lose nothing that was posted when Redis forgets all`() async throws {
        try await RunningWorker.lend(Self.quiet) { worker in
            let events = Events()
            let rights = try DirectPage.rights(of: "api", on: "docs/library.md")
            #expect(try await worker.redis.client(["ACL", "SETUSER"] + rights) == "OK\n")
            let url = worker.redis.url.replacing("unix://", with: "unix://api:password@")
            let quotas = try worker.embedded(events, redis: url)
            let clinics = [
                try await worker.database.clinic(#"{"quota":{"api_calls":1000}}"#),
                try await worker.database.clinic(nil),
            ]
            for clinic in clinics {
                for _ in 0..<50 { #expect(try await quotas.allows(clinic)) }
            }
            await quotas.deliver()
            #expect(try await worker.redis.client(["FLUSHALL"]) == "OK\n")
            for clinic in clinics { #expect(try await worker.database.counted(clinic) == 50) }
            // It goes on where it was.
            let answer = try await quotas.check(clinics[0], cost: 7)
            guard case .decided(let decision) = answer else {
                throw TestFailure("the call is decided, not \(answer)")
            }
            #expect(decision.period.used == 57)
            // As after an outage: that takes more rights than a check.
            #expect(quotas.owed.append(clinics[0], try await worker.month(), units: 3))
            await quotas.deliver()
            #expect(quotas.owed.waiting == 0)
            try await waitUntil("all of it is in api_usage") {
                var billed: [Int64] = []
                for clinic in clinics { billed.append(try await worker.database.billed(clinic)) }
                return billed == [60, 50]
            }
            #expect(events.all == [])
        }
    }

    @Test func `count what they let through while Redis was dead, once`() async throws {
        try await RunningWorker.lend(Self.quiet) { worker in
            let events = Events()
            let quotas = try worker.embedded(events)
            let clinic = try await worker.database.clinic(
                #"{"limits":{"default":{"rate":1,"per":"1d","burst":30}}}"#)
            for _ in 0..<20 { #expect(try await quotas.allows(clinic)) }
            await worker.redis.stop()
            var alone: Int64 = 0
            for _ in 0..<40 {
                let answer = try await quotas.check(clinic)
                guard case .decided(let decision) = answer else {
                    throw TestFailure("the call is decided, not \(answer)")
                }
                #expect(decision.isDegraded)
                alone += decision.admitted
            }
            #expect(alone == 30)
            try await worker.redis.start()
            try await waitUntil("Redis is found again") { !quotas.fallback.isRedisUnavailable }
            try await waitUntil("what is owed is counted") {
                await quotas.deliver()
                return quotas.owed.waiting == 0
            }
            try await waitUntil("all of it is in api_usage") {
                await quotas.deliver()
                return try await worker.database.billed(clinic) == 50
            }
            #expect(quotas.fallback.bound.missing == 0 && quotas.fallback.bound.excess == 0)
            #expect(events.all.contains { if case .outageEnded = $0 { true } else { false } })
        }
    }

    @Test func `give a denial again without a trip`() async throws {
        try await RunningWorker.lend { worker in
            let quotas = try worker.embedded(Events())
            let clinic = try await worker.database.clinic(
                #"{"limits":{"default":{"rate":1,"per":"1d","burst":2}}}"#)
            for isAllowed in [true, true, false] {
                #expect(try await quotas.allows(clinic) == isAllowed)
            }
            let before = quotas.redis.health.commands
            for _ in 0..<200 { #expect(try await !quotas.allows(clinic)) }
            // One each second, and the client's own questions.
            #expect(quotas.redis.health.commands - before < 100)
        }
    }

    @Test func `keep their marks until a worker has them, and post a last time`() async throws {
        try await RunningWorker.lend(Self.quiet) { worker in
            let (events, back, post) = (Events(), Signal(), worker.post)
            let clinic = try await worker.database.clinic(nil)
            let quotas = try worker.embedded(events) { path, body in
                guard path != "/v1/marks" || back.isSet else {
                    return WorkerResponse(status: 503, body: [])
                }
                return try await post(path, body)
            }
            for _ in 0..<5 { #expect(try await quotas.allows(clinic)) }
            await quotas.deliver()
            #expect(
                events.all == [.marksNotPosted(clinics: 1, reason: "the worker answers 503")])
            #expect(try await worker.database.counted(clinic) == 0)
            back.set()
            let running = Task { await quotas.run() }
            running.cancel()
            await running.value
            #expect(try await worker.database.counted(clinic) == 5)
        }
    }

    @Test func `wait for a silent worker no longer than their setting says`() async throws {
        try await RunningWorker.lend(Self.quiet) { worker in
            var settings = RunningWorker.patient
            settings.patience = .milliseconds(200)
            settings.outage.onOutage = .deny
            let quotas = EmbeddedQuotas(
                redis: try RedisConfiguration(worker.redis.url), settings: settings,
                worker: { _, _ in
                    try await Task.sleep(for: .seconds(3_600))
                    return WorkerResponse(status: 200, body: [])
                })
            let clinic = try await worker.database.clinic(nil)
            await #expect(throws: QuotaError.self) { try await quotas.check(clinic) }
        }
    }

    @Test func `tell of marks that a worker does not believe`() async throws {
        try await RunningWorker.lend(Self.quiet) { worker in
            let events = Events()
            let quotas = try worker.embedded(events)
            let clinic = try await worker.database.clinic(nil)
            #expect(try await quotas.allows(clinic))
            let month = try await worker.month()
            let lie = Mark(
                period: month.start, epoch: Epoch(rawValue: 5), used: 9_000_000_000_000,
                credited: 0, configVersion: 1, seenAt: month.start + 1)
            quotas.gate.marks.record(lie, of: clinic)
            await quotas.deliver()
            #expect(events.all == [.marksRefused(1, reason: "implausible")])
            #expect(quotas.gate.marks.openCount == 0)
            #expect(try await worker.database.counted(clinic) == 1)
        }
    }
}

private final class Events: Sendable {
    private let told = Mutex<[EmbeddedQuotas.Event]>([])

    var all: [EmbeddedQuotas.Event] { told.withLock(\.self) }
    func add(_ event: EmbeddedQuotas.Event) { told.withLock { $0.append(event) } }
}

extension EmbeddedQuotas {
    fileprivate func allows(_ clinic: ClinicID) async throws -> Bool {
        let answer = try await check(clinic)
        guard case .decided(let decision) = answer else {
            throw TestFailure("the call is decided, not \(answer)")
        }
        return decision.isAllowed
    }
}

extension RunningWorker {
    /// Checks may take their time on a machine that also builds.
    fileprivate static var patient: EmbeddedQuotas.Settings {
        var settings = EmbeddedQuotas.Settings()
        settings.outage.checkTimeout = .seconds(5)
        settings.patience = .seconds(20)
        return settings
    }

    /// The HTTP client that a program brings.
    fileprivate var post: WorkerPost {
        { path, body in
            let reply = try await request(
                "POST", path, body: String(decoding: body, as: UTF8.self), key: key)
            return WorkerResponse(status: reply.status, body: Array(reply.body.utf8))
        }
    }

    fileprivate func embedded(
        _ events: Events, redis url: String? = nil, post: WorkerPost? = nil
    ) throws -> EmbeddedQuotas {
        EmbeddedQuotas(
            redis: try RedisConfiguration(url ?? redis.url), settings: Self.patient,
            worker: post ?? self.post, onEvent: { events.add($0) })
    }
}
