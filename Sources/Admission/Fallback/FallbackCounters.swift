import Metering
import Quotas

/// The terms that one process knows of clinics, and what it counts during an outage. Bounded.
struct FallbackCounters: Sendable {
    enum Decision: Hashable, Sendable {
        /// - Parameter units: What this process admitted and no common counter counted.
        case answer(QuotaAnswer, units: Int64)
        /// No decision: because of the limit's rule, the month, or the bound on clinics.
        case refused
        case unknownClinic
    }

    /// A request and the circumstances in which it is decided.
    struct Call: Sendable {
        let clinic: ClinicID
        let request: CheckRequest
        /// The highest counts seen of the clinic.
        let mark: Mark?
        /// The clock of Redis as far as it is known, µs since 1970.
        let now: Int64
        /// The clock of this process, µs.
        let uptime: Int64
        /// Whether Redis is unavailable; false when only this call is lost.
        let isOutage: Bool
    }

    private let policy: OutagePolicy
    private var known: BoundedMap<ClinicID, ClinicTerms>
    /// Plans are few: clinics of one plan share it.
    private var plans = BoundedMap<PlanFeatures, PlanFeatures>(capacity: plansMax)
    private var counters: BoundedMap<ClinicID, LocalCounter>
    /// Units that clinics without known terms used. Nothing is evicted here: a clinic that came
    /// back would get its allowance twice.
    private var allowances: [ClinicID: Int64] = [:]
    private var carried: CarriedUnits
    /// The number of this outage. A count of an earlier one is replaced, with its limits as they
    /// are.
    private var outage = 0

    private static let plansMax = 10_000
    /// Without an outage a local count is replaced after a minute, above what Redis counted since:
    /// µs.
    private static let countedFor: Int64 = 60_000_000

    init(_ policy: OutagePolicy) {
        self.policy = policy
        known = BoundedMap(capacity: policy.clinicsMax)
        counters = BoundedMap(capacity: policy.clinicsMax)
        carried = CarriedUnits(clinicsMax: policy.clinicsMax)
    }

    // MARK: What is known

    func knows(_ clinic: ClinicID) -> Bool { known[clinic] != nil }

    var clinicsKnown: Int { known.count }
    /// Clinics that are counted here now.
    var clinicsCounted: Int {
        counters.values.count { $0.outage == outage } + allowances.count
    }

    mutating func learn(_ terms: ClinicTerms, of clinic: ClinicID) {
        var terms = terms
        if let plan = terms.plan { terms.plan = shared(plan) }
        let before = known[clinic]
        known[clinic] = terms
        guard before != terms else { return }
        counters.updateIfPresent(clinic) { $0.isOutdated = true }
    }

    private mutating func shared(_ plan: PlanFeatures) -> PlanFeatures {
        if let known = plans[plan] { return known }
        plans[plan] = plan
        return plan
    }

    /// Takes in terms whose adjustments include units that this process admitted.
    mutating func learn(
        _ terms: ClinicTerms, of clinic: ClinicID, including delivered: [Month: Int64]
    ) {
        for (month, units) in delivered { settle(units, of: clinic, in: month) }
        learn(terms, of: clinic)
    }

    /// Units that this process admitted are in a mark or in the ledger by now, or are lost.
    mutating func settle(_ units: Int64, of clinic: ClinicID, in month: Month) {
        carried.remove(units, of: clinic, in: month)
    }

    /// Takes in the terms that a reply shows, if they are new. Nearly every reply shows known ones.
    mutating func learn(_ reply: CounterReply, of clinic: ClinicID) {
        if let held = known[clinic], held.isShown(by: reply) { return }
        guard reply.flags.access != .gone else { return forget(clinic) }
        if let terms = ClinicTerms(reply) { learn(terms, of: clinic) }
    }

    mutating func forget(_ clinic: ClinicID) { known[clinic] = nil }

    // MARK: Deciding

    /// Decides by the clinic's known terms. Its limits hold at this process's share of them.
    mutating func decide(
        _ call: Call, workers: Int64, name: (LimitID) -> String
    ) -> Decision {
        let (clinic, request) = (call.clinic, call.request)
        guard var terms = known[clinic] else { return .unknownClinic }
        let rule = terms.plan?.onOutage(group: request.limit) ?? policy.onOutage
        // A forced call has happened already, so it is counted whatever the rule.
        guard rule == .allow || request.mode == .force else { return .refused }
        if let mark = call.mark { terms.include(mark) }
        terms.include(carried: carried.units(of: clinic, in: terms.month))
        guard var counter = counter(of: clinic, terms, call, workers) else { return .refused }
        let reply = counter.check(request, at: call.now)
        counters[clinic] = counter
        carry(request.units(countedBy: reply), call)
        switch reply.verdict {
        case .allowed, .denied:
            if reply.flags.access == .gone { return .answer(.unknownClinic, units: 0) }
            var decision = QuotaDecision(
                reply, named: request.limit, mode: request.mode, units: request.units, name: name)
            decision.isDegraded = true
            return .answer(.decided(decision), units: request.units(countedBy: reply))
        case .noSuchLimit: return .answer(.noSuchLimit, units: 0)
        default: return .refused
        }
    }

    /// Decides without any terms: each clinic gets a fixed number of units.
    mutating func decideBlind(_ call: Call) -> Decision {
        let request = call.request
        let used = allowances[call.clinic] ?? 0
        let left = policy.onOutage == .allow ? max(0, policy.allowance - used) : 0
        let fits = min(request.count, left / max(1, request.cost))
        let admitted = request.mode == .force ? 1 : fits
        guard admitted > 0, CheckRequest.costs.contains(request.cost),
            allowances[call.clinic] != nil || allowances.count < policy.clinicsMax,
            let month = Month(containing: call.now)
        else { return .refused }
        var reply = CounterReply.noAnswer(.allowed, now: call.now)
        (reply.mark.period, reply.periodEnd, reply.quota) = (month.start, month.end, -1)
        (reply.admitted, reply.clean) = (admitted, admitted)
        let units = request.units(countedBy: reply)
        if units > 0 { allowances[call.clinic] = used + units }
        carry(units, call)
        reply.usage = used + units
        var decision = QuotaDecision(
            reply, named: request.limit, mode: request.mode, units: request.units
        ) { _ in LimitID.defaultName }
        decision.isDegraded = true
        return .answer(.decided(decision), units: units)
    }

    /// An outage starts: counts of lost calls before it may make way for its own.
    mutating func beginCounting() { outage += 1 }

    /// The outage ended. What was counted here is carried until the ledger has it, and what was
    /// admitted of a limit is remembered until that limit is whole again.
    ///
    /// - Parameters:
    ///   - now: The clock of Redis as far as it is known, µs since 1970.
    ///   - keepsAllowances: Whether PostgreSQL is unavailable, so that no clinic's terms can be
    ///     read.
    mutating func endCounting(at now: Int64, keepsAllowances: Bool) {
        counters.removeAll { $1.wholeAt <= now }
        outage += 1
        if !keepsAllowances { allowances.removeAll() }
    }

    private mutating func carry(_ units: Int64, _ call: Call) {
        guard let month = Month(containing: call.now) else { return }
        carried.add(units, to: call.clinic, in: month)
    }

    /// The clinic's running count, or a new one. Nil when the bound on clinics is reached: no count
    /// of a running outage is evicted for another.
    private func counter(
        of clinic: ClinicID, _ terms: ClinicTerms, _ call: Call, _ workers: Int64
    ) -> LocalCounter? {
        let held = counters[clinic]
        if let held, held.outage == outage, !held.isOutdated, held.workers == workers,
            call.isOutage || held.startedAt > call.uptime - Self.countedFor
        {
            return held
        }
        let isFull = held == nil && counters.isFull
        if isFull, call.isOutage, counters.oldest?.value.outage == outage { return nil }
        var fresh = LocalCounter(
            terms, workers: workers, now: call.now, startedAt: call.uptime, after: held)
        fresh?.outage = outage
        return fresh
    }
}

extension CheckRequest {
    /// Units that a local decision admitted.
    func units(countedBy reply: CounterReply) -> Int64 {
        mode != .peek && reply.verdict == .allowed ? reply.admitted * cost : 0
    }
}

extension PlanFeatures {
    /// The plan's rule for the limit with this number; nil = it has none.
    func onOutage(group: UInt16) -> OutageRule? {
        limits.first { LimitID.group(of: $0.name) == group }?.onOutage
    }
}
