import Metering
import Synchronization
import TestSupport
import Testing

@testable import Admission
@testable import Quotas

/// A quota while Redis loses data: flushed, restored older, and taken over by another server.
@Suite(.timed) struct `A quota in a store that forgets` {
    /// Everything forgotten is in the ledger or named by the caller's mark, so nothing is admitted twice.
    @Test func `admits no unit beyond it when every count was noted`() async throws {
        try await play("noted counts", isCareful: true)
    }

    /// Without the checkpoint: what neither ledger nor mark names is admitted again, and nothing else.
    @Test func `admits again what was not recorded, and no more`() async throws {
        try await play("lost counts", isCareful: false)
    }

    private func play(_ name: String, isCareful: Bool) async throws {
        var random = SplitMix64(seed: Seed.current(name))
        var box = TimeBox(name, share: 15)
        var checks = 0
        while await box.hasTime {
            var month = try LossyMonth(quota: .random(in: 1...200, using: &random))
            for _ in 0..<120 {
                switch Int.random(in: 0..<12, using: &random) {
                case 0: month.checkpoint()
                case 1:
                    if isCareful { month.checkpoint() }
                    month.flush()
                case 2: month.takeOver()
                case 3: month.goBack(&random)
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

/// One clinic in one month, one worker with its marks, and a ledger.
private struct LossyMonth {
    private let counters = MemoryCounters()
    private let settings = MemoryTerms()
    private let gate: QuotaGate
    private let clinic = ClinicID(high: 1, low: 2)
    private let quota: Int64
    private var admitted: Int64 = 0
    /// Units that neither ledger nor mark held when Redis lost them.
    private var forgotten: Int64 = 0
    private var isLost = false
    /// Earlier values of the running epoch.
    private var history: [[UInt8]] = []

    init(quota: Int64) throws {
        self.quota = quota
        let month = try #require(Month("2026-11"))
        gate = QuotaGate(
            counters: counters, terms: settings,
            closedCounts: MemorySettler(counters: counters, settings: settings), loading: .patient)
        let plan = try PlanFeatures(json: #"{"quota": {"api_calls": \#(quota)}}"#)
        settings.state.withLock {
            $0.clinics[clinic] = ClinicTerms(
                version: 1, plan: plan, access: .open, month: month, ledger: [:], adjustments: 0)
        }
    }

    mutating func check(_ random: inout SplitMix64) async throws {
        if isLost { notice() }
        let cost = Int64.random(in: 1...5, using: &random)
        let mode = random.pick([CheckRequest.Mode.consume, .atMost])
        let answer = try await gate.check(clinic, cost: cost, mode: mode)
        guard case .decided(let decision) = answer else {
            throw TestFailure("the answer is .decided, not \(answer)")
        }
        let before = admitted
        admitted += decision.admitted
        #expect(decision.period.used == admitted - forgotten)
        #expect(decision.admitted == 0 || admitted <= quota + forgotten)
        let left = max(0, quota + forgotten - before)
        #expect(decision.admitted == (mode == .atMost ? min(cost, left) : cost <= left ? cost : 0))
        if decision.admitted > 0 { keep() }
    }

    func checkpoint() {
        let noted = gate.marks.takeOpen(limit: 10)
        settings.state.withLock { state in
            for (_, mark, _) in noted {
                state.clinics[clinic]?.note(mark.net ?? 0, of: mark.epoch)
            }
        }
    }

    /// FLUSHALL, or a restart without its data: the next check loads the clinic again.
    mutating func flush() {
        counters.state.withLock { $0.values[clinic] = nil }
        (history, isLost) = ([], true)
    }

    /// The clinic is loaded with this check: what is not noted by now is forgotten.
    private mutating func notice() {
        isLost = false
        var noted = settings.state.withLock { $0.clinics[clinic]?.ledger ?? [:] }
        if let mark = gate.marks.mark(of: clinic) {
            noted[mark.epoch] = max(noted[mark.epoch] ?? 0, mark.net ?? 0)
        }
        forgotten = admitted - noted.values.reduce(0, +)
    }

    /// A replica with all its data is promoted: another stamp, and a new epoch with the next call.
    mutating func takeOver() {
        counters.state.withLock { $0.stamp += 1 }
        history = []
    }

    /// A restart without the last writes, or a promoted replica that was behind.
    mutating func goBack(_ random: inout SplitMix64) {
        guard let old = history.randomElement(using: &random) else { return }
        counters.state.withLock { $0.values[clinic] = old }
        if Bool.random(using: &random) { counters.state.withLock { $0.stamp += 1 } }
        history = []
    }

    private mutating func keep() {
        counters.state.withLock { state in
            if let value = state.values[clinic] { history.append(value) }
        }
    }
}

/// Brings closed counts to the ledger in memory, as a worker's sweep does.
private struct MemorySettler: ClosedCountWriter {
    let counters: MemoryCounters
    let settings: MemoryTerms

    func settle(_ clinic: ClinicID) async -> Bool {
        counters.state.withLock { state in
            let value = state.values[clinic].flatMap { CounterValue(decoding: $0) }
            let open = value?.closed.filter { !$0.isSettled } ?? []
            settings.state.withLock { known in
                for one in open {
                    known.clinics[clinic]?.note(one.used - one.credited, of: one.epoch)
                }
            }
            let rules = CounterRules(now: state.now, stamp: state.stamp) { _, _, _, _ in .none }
            let settled = rules.settle(state.values[clinic], open)
            if let stored = settled.stored { state.values[clinic] = stored }
            return settled.marked > 0
        }
    }
}

extension ClinicTerms {
    fileprivate mutating func note(_ net: Int64, of epoch: Epoch) {
        ledger[epoch] = max(ledger[epoch] ?? 0, net)
    }
}
