import Billing
import TestSupport
import Testing

@Suite(.timed) struct `Payment status` {
    @Test func `the table of words and what each opens`() {
        let table: [(String, PaymentStatus.Access)] = [
            ("incomplete", .open), ("trialing", .open), ("active", .open), ("past_due", .open),
            ("suspended", .readOnly), ("paused", .readOnly), ("canceled", .ended),
            ("expired", .ended),
        ]
        #expect(PaymentStatus.allCases.map(\.rawValue) == table.map(\.0))
        #expect(PaymentStatus.allCases.map(\.access) == table.map(\.1))
    }

    @Test(arguments: ["", "Active", "active ", "cancelled", "paid", "unpaid", "past-due"])
    func `reads no other word`(word: String) {
        #expect(PaymentStatus(rawValue: word) == nil)
    }

    @Test func `fits the column it is stored in`() {
        #expect(PaymentStatus.allCases.allSatisfy { $0.rawValue.utf8.count <= 20 })
    }
}

@Suite(.timed) struct `An allowance` {
    @Test func `reads stored limits, where -1 is unlimited`() {
        #expect(Allowance(stored: nil) == Allowance.none)
        #expect(Allowance(stored: -1) == .unlimited)
        #expect(Allowance(stored: 0) == .limited(0))
        #expect(Allowance(stored: .max) == .limited(.max))
    }

    @Test func `is nothing for any other negative number`() {
        let refused: [Allowance?] = [Allowance(stored: -2), Allowance(stored: .min)]
        #expect(refused.allSatisfy { $0 == nil })
    }
}
