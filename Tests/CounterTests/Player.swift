import Admission
import Counters
import LocalServers
import Logging
import Metering
import NIOPosix
import Quotas
import Redis
import Synchronization
import TestSupport

/// What PostgreSQL keeps, in memory: the highest counts by month and epoch.
final class TestLedger: Sendable {
    private let rows = Mutex<[UsageCheckpoint]>([])

    func merge(_ more: [UsageCheckpoint]) {
        rows.withLock { $0 = UsageCheckpoint.merged($0 + more) }
    }

    var total: Int64 { rows.withLock { $0.reduce(0) { $0 + ($1.net ?? 0) } } }

    func net(by month: Month) -> [Epoch: Int64] {
        let nets = rows.withLock { $0.filter { $0.month == month }.map { ($0.epoch, $0.net ?? 0) } }
        return Dictionary(nets, uniquingKeysWith: { $0 + $1 })
    }
}

/// One worker that makes calls for a clinic without limits and writes its marks to a ledger.
struct Player {
    let server: LocalRedis
    let store: RedisCounterStore
    let gate: QuotaGate
    let clinic: ClinicID
    let ledger: TestLedger

    init(_ server: LocalRedis, _ clinic: ClinicID, _ ledger: TestLedger) throws {
        var configuration = try RedisConfiguration(server.url)
        configuration.commandTimeout = .seconds(10)
        let client = RedisClient(
            configuration: configuration, eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            logger: .silent)
        self.server = server
        self.clinic = clinic
        self.ledger = ledger
        store = RedisCounterStore(redis: client)
        gate = QuotaGate(counters: store, terms: LedgerSettings(ledger: ledger))
    }

    /// Lends a player with a Redis of its own.
    /// - Parameter installs: Whether that Redis gets the function library.
    static func lend<Value>(
        _ clinic: ClinicID, _ ledger: TestLedger, installs: Bool = true,
        _ body: (Player) async throws -> Value
    ) async throws -> Value {
        let options = RedisOptions(listensOnTCP: true, appendOnly: false)
        return try await LocalRedis.lend(options) { server in
            try await withResource(
                { try Player(server, clinic, ledger) }, release: { await $0.store.redis.close() }
            ) { player in
                if installs { try await player.store.install() }
                return try await body(player)
            }
        }
    }

    func calls(_ count: Int) async throws {
        for _ in 0..<count {
            let answer = try await gate.check(clinic)
            guard case .decided(let decision) = answer, decision.isAllowed else {
                throw TestFailure("a call is allowed, not \(answer)")
            }
        }
    }

    func checkpoint() async throws {
        ledger.merge(
            gate.marks.takeOpen(limit: 100).compactMap { $0.mark.checkpoint(of: $0.clinic) })
    }

    func raw() async throws -> [UInt8]? {
        try await store.redis.send(RedisCommand("GET", [.bytes(CounterKey.counter(of: clinic))]))
            .bytes
    }

    func write(_ bytes: [UInt8]?) async throws {
        let command = RedisCommand(
            "SET", [.bytes(CounterKey.counter(of: clinic)), .bytes(bytes ?? [])])
        _ = try await store.redis.send(command)
    }
}

/// A clinic without limits, whose counts so far the ledger tells.
private struct LedgerSettings: TermsSource {
    let ledger: TestLedger

    func terms(
        of clinic: ClinicID, at now: Int64
    ) async throws(QuotaError) -> ClinicTerms? {
        guard let month = Month(containing: now) else { return nil }
        return ClinicTerms(
            version: 1, plan: .unlimited, access: .open, month: month,
            ledger: ledger.net(by: month),
            adjustments: 0)
    }

    func raiseVersion(of clinic: ClinicID, above version: Int64) async throws(QuotaError) {}
}

/// A steered clock that begins in January 2027.
struct Clock {
    let january: Month

    init() throws {
        guard let month = Month("2027-01") else {
            throw TestFailure("2027-01 is a month")
        }
        january = month
    }

    func configuration(version: Int64, quota: Int64 = -1) -> CounterTerms {
        CounterTerms(
            flags: StandingFlags(access: .open, hasSubscription: true), version: version,
            period: january.start, periodEnd: january.end, nextPeriodEnd: january.next?.end ?? 0,
            quota: quota, nextQuota: quota, limits: [], base: 0, basePeriod: january.start,
            baseEpoch: .none)
    }
}
