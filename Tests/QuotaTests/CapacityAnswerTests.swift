import Metering
import TestSupport
import Testing

@testable import Quotas

/// What a caller is told before it adds users, patients or bytes.
@Suite(.timed) struct `A capacity answer` {
    @Test(arguments: [
        // used, limit, cost, enforced, has plan → allowed, reason
        (3, 5, 2, true, true, true, nil),
        (3, 5, 3, true, true, false, CapacityAnswer.Reason.limitReached),
        (3, 5, 3, false, true, true, .notEnforced),
        (7, 5, 1, true, true, false, .limitReached),
        (0, 0, 1, true, true, false, .limitReached),
        (3, nil, 1_000, true, true, true, nil),
        (3, nil, 1_000, true, false, true, .noSubscription),
        (.max, 5, .max, true, true, false, .limitReached),
    ])
    func `is what the database would say`(
        used: Int64, limit: Int64?, cost: Int64, enforced: Bool, plan: Bool, allowed: Bool,
        reason: CapacityAnswer.Reason?
    ) {
        let room = ClinicCapacity.with(users: used, limit, isEnforced: enforced, hasPlan: plan)
        let advice = CapacityAnswer(room, of: .users, cost: cost)
        #expect(advice.isAllowed == allowed)
        #expect(advice.reasons == (reason.map { [$0] } ?? []))
        #expect(room.users.remaining == limit.map { max(0, $0 - min(used, $0)) })
    }
}

extension ClinicCapacity {
    fileprivate static func with(
        users used: Int64, _ limit: Int64?, isEnforced: Bool = true, hasPlan: Bool = true
    ) -> ClinicCapacity {
        ClinicCapacity(
            users: Share(used: used, limit: limit), patients: Share(used: 0, limit: nil),
            storage: Share(used: 0, limit: nil), isEnforced: isEnforced, hasPlan: hasPlan)
    }
}
