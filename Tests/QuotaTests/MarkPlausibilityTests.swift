import Metering
import TestSupport
import Testing

@testable import Quotas

@Suite(.timed) struct `A plausible count` {
    private func mark(_ used: Int64, at seconds: Int64, epoch: UInt64 = 1) -> Mark {
        Mark(
            period: 0, epoch: Epoch(rawValue: epoch), used: used, credited: 0, configVersion: 1,
            seenAt: seconds * 1_000_000)
    }

    @Test func `rises no faster than a clinic can call`() {
        let rule = MarkPlausibility(perSecond: 50_000)
        let last = mark(10, at: 100)
        #expect(rule.accepts(mark(10 + 150_000 + 1_000_000, at: 102), after: last))
        #expect(!rule.accepts(mark(11 + 150_000 + 1_000_000, at: 102), after: last))
        #expect(rule.accepts(mark(5_050_000 + 1_000_000, at: 100), after: nil))
        #expect(
            !rule.accepts(mark(5_050_001 + 1_000_000, at: 100), after: mark(9, at: 99, epoch: 2)))
        #expect(!rule.accepts(mark(.max, at: 1), after: nil))
        #expect(!rule.accepts(mark(-1, at: 1), after: nil))
    }
}
