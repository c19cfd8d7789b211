import Metering
import Synchronization
import TestSupport
import Testing

@testable import Admission
@testable import Quotas

@Suite(.timed) struct `Many checks at once` {
    private let counters = MemoryCounters()
    private let settings = MemoryTerms()
    private let gate: QuotaGate

    init() throws {
        gate = QuotaGate(
            counters: counters, terms: settings,
            loading: LoadingPace(patience: .seconds(60), unknownClinicsPerSecond: 10_000))
    }

    private func clinic(_ number: Int) -> ClinicID { ClinicID(high: 1, low: UInt64(number)) }

    private func add(_ numbers: Range<Int>) throws {
        let plan = try PlanFeatures(
            json: #"{"limits": {"default": {"rate": 1, "per": "1s", "burst": 3}}}"#)
        let month = try #require(Month("2026-11"))
        for number in numbers {
            settings.state.withLock {
                $0.clinics[clinic(number)] = ClinicTerms(
                    version: 1, plan: plan, access: .open, month: month, ledger: [:],
                    adjustments: 0)
            }
        }
    }

    @Test func `are answered in order, each for itself`() async throws {
        try add(0..<2)
        let answers = await gate.checkMany([
            Check(clinic(0), cost: 2), Check(clinic(7)),
            Check(clinic(1), limit: "export"), Check(clinic(1), cost: 4),
            Check(clinic(1)),
        ])
        guard case .success(.decided(let first)) = answers[0],
            case .success(.decided(let fourth)) = answers[3],
            case .success(.decided(let last)) = answers[4]
        else {
            Issue.record("\(answers)")
            return
        }
        #expect(first.isAllowed && first.period.used == 2)
        #expect(answers[1] == .success(.unknownClinic) && answers[2] == .success(.noSuchLimit))
        #expect(!fourth.isAllowed && last.isAllowed)
        #expect(await gate.checkMany([]).isEmpty)
    }

    /// More clinics than may be loaded at once, and more than one part of a thousand.
    @Test func `load each clinic once, a few at a time`() async throws {
        try add(0..<1_200)
        let answers = await gate.checkMany((0..<1_200).map { Check(clinic($0)) })
        #expect(answers.count == 1_200)
        for answer in answers {
            guard case .success(.decided(let decision)) = answer else {
                Issue.record("\(answer)")
                return
            }
            #expect(decision.isAllowed && decision.period.used == 1)
        }
        #expect(settings.state.withLock { $0.questions } == 1_200)
    }

    @Test func `fail one by one when a store is unavailable`() async throws {
        try add(0..<3)
        _ = try await gate.check(clinic(0))
        settings.state.withLock { $0.isUnavailable = true }
        let answers = await gate.checkMany([Check(clinic(0)), Check(clinic(1))])
        guard case .success(.decided) = answers[0], case .failure(.termsUnavailable) = answers[1]
        else {
            Issue.record("\(answers)")
            return
        }
    }
}
