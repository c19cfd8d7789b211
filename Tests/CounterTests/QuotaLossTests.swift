import Admission
import Counters
import LocalServers
import Metering
import Quotas
import Redis
import TestSupport
import Testing

/// A quota on a real Redis that is flushed, brought back older and taken over, while calls go on.
@Suite(.timed, .serialized) struct `A quota on a Redis that forgets` {
    /// Counts are noted before a loss, or named by the mark of the worker that asks: none is admitted twice.
    @Test func `admits exactly what it says`() async throws {
        let name = "quota on a real Redis"
        var random = SplitMix64(seed: Seed.current(name))
        var box = TimeBox(name, share: 20)
        let ledger = TestLedger()
        try await Player.lend(ClinicID(high: 7, low: 7), ledger) { player in
            var checks = 0
            while await box.hasTime {
                var month = OneMonth(player, quota: .random(in: 1...120, using: &random), &random)
                for _ in 0..<60 {
                    switch Int.random(in: 0..<16, using: &random) {
                    case 0: try await month.flush()
                    case 1: try await month.takeOver()
                    case 2: try await month.goBack(&random)
                    case 3: _ = try await player.server.client(["FUNCTION", "FLUSH"])
                    default:
                        try await month.check(&random)
                        checks += 1
                    }
                }
            }
            box.report()
            print("\(checks) checks (\(name))")
        }
    }
}

/// One clinic with a quota, one worker with its marks, and a ledger.
private struct OneMonth {
    let player: Player
    let gate: QuotaGate
    let clinic: ClinicID
    let quota: Int64
    let ledger = TestLedger()
    var admitted: Int64 = 0
    /// Earlier values of the running epoch.
    var history: [[UInt8]] = []
    var epoch = Epoch.none

    init(_ player: Player, quota: Int64, _ random: inout SplitMix64) {
        self.player = player
        self.quota = quota
        clinic = ClinicID(high: random.next(), low: random.next())
        gate = QuotaGate(
            counters: player.store, terms: QuotaSettings(ledger: ledger, quota: quota))
    }

    mutating func check(_ random: inout SplitMix64) async throws {
        let cost = Int64.random(in: 1...9, using: &random)
        let mode = random.pick([CheckRequest.Mode.consume, .atMost])
        let answer = try await gate.check(clinic, cost: cost, mode: mode)
        guard case .decided(let decision) = answer else {
            throw TestFailure("the answer is .decided, not \(answer)")
        }
        let room = quota - admitted
        #expect(decision.admitted == (mode == .atMost ? min(cost, room) : cost <= room ? cost : 0))
        admitted += decision.admitted
        #expect(decision.period.used == admitted)
        guard decision.admitted > 0, let bytes = try await value(),
            let value = CounterValue(decoding: bytes)
        else { return }
        // The server's new identity is seen within 100 ms; values of an earlier epoch are another story.
        if value.epoch != epoch { history = [] }
        epoch = value.epoch
        history.append(bytes)
    }

    mutating func flush() async throws {
        ledger.merge(
            gate.marks.takeOpen(limit: 10).compactMap { $0.mark.checkpoint(of: $0.clinic) })
        _ = try await player.server.client(["FLUSHALL"])
        history = []
    }

    /// The server becomes a replica and is promoted: it has another replication id afterwards.
    mutating func takeOver() async throws {
        _ = try await player.server.client(["REPLICAOF", "127.0.0.1", "1"])
        _ = try await player.server.client(["REPLICAOF", "NO", "ONE"])
        history = []
    }

    mutating func goBack(_ random: inout SplitMix64) async throws {
        guard let old = history.randomElement(using: &random) else { return }
        let key = RedisArgument.bytes(CounterKey.counter(of: clinic))
        _ = try await player.store.redis.send(RedisCommand("SET", [key, .bytes(old)]))
        history = []
    }

    private func value() async throws -> [UInt8]? {
        let key = RedisArgument.bytes(CounterKey.counter(of: clinic))
        return try await player.store.redis.send(RedisCommand("GET", [key])).bytes
    }
}

/// A clinic with nothing but a quota, whose counts so far the ledger tells.
private struct QuotaSettings: TermsSource {
    let ledger: TestLedger
    let quota: Int64

    func terms(
        of clinic: ClinicID, at now: Int64
    ) async throws(QuotaError) -> ClinicTerms? {
        guard let month = Month(containing: now) else { return nil }
        return ClinicTerms(
            version: 1, plan: .unlimited, quota: quota, nextQuota: quota, access: .open,
            month: month, ledger: ledger.net(by: month), adjustments: 0)
    }

    func raiseVersion(of clinic: ClinicID, above version: Int64) async throws(QuotaError) {}
}
