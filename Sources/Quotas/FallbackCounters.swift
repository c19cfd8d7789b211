import Metering

/// What one process knows of clinics beside their counters, and what it counts while those are away. Bounded.
struct FallbackCounters: Sendable {
    enum Decision: Hashable, Sendable {
        /// - Parameter units: What this process let through and no common counter counted.
        case answer(QuotaAnswer, units: Int64)
        /// The limit's policy, the month or the room for clinics says that nothing is decided here.
        case refused
        /// Nothing is known of the clinic.
        case stranger
    }

    /// A call and the circumstances in which it is decided.
    struct Question: Sendable {
        let clinic: ClinicID
        let request: CheckRequest
        /// The highest counts seen of the clinic.
        let mark: Mark?
        /// The clock of Redis as far as it is known, µs since 1970.
        let now: Int64
        /// Our own clock, µs.
        let uptime: Int64
        /// Whether Redis is away, and not only this call lost.
        let isOutage: Bool
    }

    private let policy: OutagePolicy
    private var known: [ClinicID: ClinicTerms] = [:]
    /// Plans are few: clinics of one plan share it.
    private var plans: Set<PlanFeatures> = []
    private var counters: [ClinicID: LocalCounter] = [:]
    private var allowances: [ClinicID: Int64] = [:]
    private var carried: CarriedUnits
    /// Which outage this is; a count of an earlier one is begun anew, with its limits as they stand.
    private var outage = 0
    /// Whether counts of earlier outages are held.
    private var holdsEarlier = false

    private static let plansMax = 10_000
    /// Outside of an outage a local count is begun anew after a minute, above what Redis counted since: µs.
    private static let countedFor: Int64 = 60_000_000

    init(_ policy: OutagePolicy) {
        self.policy = policy
        carried = CarriedUnits(clinicsMax: policy.clinicsMax)
    }

    // MARK: What is known

    func knows(_ clinic: ClinicID) -> Bool { known[clinic] != nil }

    var clinicsKnown: Int { known.count }
    /// Clinics that are counted here now.
    var clinicsCounted: Int {
        counters.values.count { $0.outage == outage } + allowances.count
    }

    mutating func learn(_ settings: ClinicTerms, of clinic: ClinicID) {
        guard known[clinic] != nil || known.count < policy.clinicsMax else { return }
        var settings = settings
        if let plan = settings.plan {
            if plans.count >= Self.plansMax { plans.removeAll() }
            settings.plan = plans.insert(plan).memberAfterInsert
        }
        guard known.updateValue(settings, forKey: clinic) != settings else { return }
        counters[clinic]?.isOutdated = true
    }

    /// The same, with settings whose adjustments include units that were let through here.
    mutating func learn(
        _ settings: ClinicTerms, of clinic: ClinicID, including delivered: [Month: Int64]
    ) {
        for (month, units) in delivered { settle(units, of: clinic, in: month) }
        learn(settings, of: clinic)
    }

    /// Units that were let through here are in a mark or in the ledger, or nobody will ever count them.
    mutating func settle(_ units: Int64, of clinic: ClinicID, in month: Month) {
        carried.remove(units, of: clinic, in: month)
    }

    /// Takes in what a reply tells, when it is news. Nearly every reply is none.
    mutating func learn(_ reply: CounterReply, of clinic: ClinicID) {
        if let held = known[clinic], held.isTold(by: reply) { return }
        guard reply.flags.access != .gone else { return forget(clinic) }
        if let told = ClinicTerms(reply) { learn(told, of: clinic) }
    }

    mutating func forget(_ clinic: ClinicID) { known[clinic] = nil }

    // MARK: Deciding

    /// Decides by what is known. The clinic's own limits hold at this process's share of them.
    mutating func decide(
        _ question: Question, workers: Int64, name: (LimitID) -> String
    ) -> Decision {
        let (clinic, request) = (question.clinic, question.request)
        guard var settings = known[clinic] else { return .stranger }
        let asked = settings.plan?.onOutage(group: request.limit) ?? policy.onOutage
        // What has happened already is counted, whatever the policy.
        guard asked == .allow || request.mode == .force else { return .refused }
        if let mark = question.mark { settings.include(mark) }
        settings.include(carried: carried.units(of: clinic, in: settings.month))
        guard var counter = counter(of: clinic, settings, question, workers) else {
            return .refused
        }
        let reply = counter.check(request, at: question.now)
        counters[clinic] = counter
        carry(request.units(countedBy: reply), question)
        switch reply.verdict {
        case .allowed, .denied:
            if reply.flags.access == .gone { return .answer(.unknownClinic, units: 0) }
            var decision = QuotaDecision(
                reply, asked: request.limit, mode: request.mode, units: request.units, name: name)
            decision.isDegraded = true
            return .answer(.decided(decision), units: request.units(countedBy: reply))
        case .noSuchLimit: return .answer(.noSuchLimit, units: 0)
        default: return .refused
        }
    }

    /// Decides without knowing anything: a fixed number of units for each clinic.
    mutating func decideBlind(_ question: Question) -> Decision {
        let request = question.request
        let used = allowances[question.clinic] ?? 0
        let room = policy.onOutage == .allow ? max(0, policy.allowance - used) : 0
        let fits = min(request.count, room / max(1, request.cost))
        let admitted = request.mode == .force ? 1 : fits
        guard admitted > 0, CheckRequest.costs.contains(request.cost),
            allowances[question.clinic] != nil || allowances.count < policy.clinicsMax,
            let month = Month(containing: question.now)
        else { return .refused }
        var reply = CounterReply.noAnswer(.allowed, now: question.now)
        (reply.mark.period, reply.periodEnd, reply.quota) = (month.start, month.end, -1)
        (reply.admitted, reply.clean) = (admitted, admitted)
        let units = request.units(countedBy: reply)
        if units > 0 { allowances[question.clinic] = used + units }
        carry(units, question)
        reply.usage = used + units
        var decision = QuotaDecision(
            reply, asked: request.limit, mode: request.mode, units: request.units
        ) { _ in LimitID.defaultName }
        decision.isDegraded = true
        return .answer(.decided(decision), units: units)
    }

    /// The common counters are back: what was counted here is carried until the ledger has it, and what was admitted
    /// of a limit is remembered until that limit is whole again.
    ///
    /// - Parameters:
    ///   - now: The clock of Redis as far as it is known, µs since 1970.
    ///   - keepsAllowances: Whether PostgreSQL is away too, so that nobody can be learnt.
    mutating func endCounting(at now: Int64, keepsAllowances: Bool) {
        counters = counters.filter { $0.value.wholeAt > now }
        holdsEarlier = !counters.isEmpty
        outage += 1
        if !keepsAllowances { allowances.removeAll() }
    }

    private mutating func carry(_ units: Int64, _ question: Question) {
        guard let month = Month(containing: question.now) else { return }
        carried.add(units, to: question.clinic, in: month)
    }

    private mutating func counter(
        of clinic: ClinicID, _ settings: ClinicTerms, _ question: Question, _ workers: Int64
    ) -> LocalCounter? {
        let begun = question.uptime - Self.countedFor
        let held = counters[clinic]
        if let held, held.outage == outage, !held.isOutdated, held.workers == workers,
            question.isOutage || held.begun > begun
        {
            return held
        }
        if held == nil, counters.count >= policy.clinicsMax, holdsEarlier {
            counters = counters.filter { $0.value.outage == outage }
            holdsEarlier = false
        }
        if held == nil, counters.count >= policy.clinicsMax {
            guard !question.isOutage else { return nil }
            counters.removeAll()
        }
        var fresh = LocalCounter(
            settings, workers: workers, now: question.now, begun: question.uptime, after: held)
        fresh?.outage = outage
        return fresh
    }
}

extension CheckRequest {
    /// Units that a decision which nobody else counted let through.
    func units(countedBy reply: CounterReply) -> Int64 {
        mode != .peek && reply.verdict == .allowed ? reply.admitted * cost : 0
    }
}

extension PlanFeatures {
    /// What the plan says of the limit with this number; nil = nothing.
    func onOutage(group: UInt16) -> OutageRule? {
        limits.first { LimitID.group(of: $0.name) == group }?.onOutage
    }
}
