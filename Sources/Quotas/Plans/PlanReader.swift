public import Metering
import Values

extension PlanFeatures {
    /// Reads the text of the key `metering`. Nil means that the plan lacks the key: nothing is
    /// limited.
    public init(json text: String?) throws(PlanError) {
        guard let text else {
            self = .unlimited
            return
        }
        try self.init(try PlanObject(metering: text))
    }

    /// - Parameter plan: The key `metering`.
    public init(_ plan: PlanObject) throws(PlanError) {
        var limits: [Limit] = []
        for member in try plan.named("limits") {
            limits.append(try Limit(member, path: "\(plan.path("limits")).\(member.key)"))
        }
        let groups = Dictionary(grouping: limits) { LimitID.group(of: $0.name) }
        if let clash = groups.values.first(where: { $0.count > 1 }) {
            throw PlanError(
                path: "\(plan.path("limits")).\(clash[1].name)",
                problem: "has the same number as \(clash[0].name): rename one of them")
        }
        let quota = try plan.object("quota", known: ["api_calls", "shadow"])
        self.init(
            limits: limits, quota: try quota?.amount("api_calls"),
            storageBytes: try plan.amount("storage_bytes"),
            isQuotaInShadow: try quota?.flag("shadow") ?? false)
        guard rateLimits.count <= CounterValue.limitsMax else {
            throw plan.error(
                "limits",
                "has \(rateLimits.count) windows; a plan has at most \(CounterValue.limitsMax)")
        }
    }
}

extension PlanFeatures.Limit {
    fileprivate init(_ member: JSON.Member, path: String) throws(PlanError) {
        guard LimitID.isName(member.key) else {
            throw PlanError(
                path: path, problem: "is not a name: use 1 to 40 of a–z, 0–9, _ and -")
        }
        guard LimitCounter(rawValue: member.key) == nil else {
            throw PlanError(path: path, problem: "has a name that the database's own limits have")
        }
        let group = LimitID.group(of: member.key)
        let limit = try PlanObject(
            member.value, path: path,
            known: ["rate", "per", "burst", "sustained", "shadow", "concurrent", "on_outage"])
        var windows = [try RateLimit(limit, id: LimitID(group: group, window: 0))]
        if let sustained = try limit.object("sustained", known: ["rate", "per", "burst"]) {
            windows.append(try RateLimit(sustained, id: LimitID(group: group, window: 1)))
        }
        self.init(
            name: member.key, windows: windows, isInShadow: try limit.flag("shadow") ?? false,
            concurrent: try limit.whole("concurrent", in: HoldLimits.open),
            onOutage: try OutageRule(limit))
    }
}

extension OutageRule {
    /// nil when the limit says nothing.
    fileprivate init?(_ limit: PlanObject) throws(PlanError) {
        guard let rule = try limit.text("on_outage") else { return nil }
        guard let known = OutageRule(rawValue: rule) else {
            throw limit.error("on_outage", "is \(rule.debugDescription): write allow or deny")
        }
        self = known
    }
}

extension RateLimit {
    fileprivate init(_ window: PlanObject, id: LimitID) throws(PlanError) {
        guard let rate = try window.whole("rate", in: Self.rates) else {
            throw window.missing("rate")
        }
        guard let per = try window.text("per") else { throw window.missing("per") }
        guard let period = Duration(text: per), period >= .milliseconds(1) else {
            throw window.error("per", "is \(per.debugDescription): write 1s, 1m, 1h or 1d")
        }
        let burst = try window.whole("burst", in: 1...(.max)) ?? rate
        guard
            let limit = RateLimit(
                id: id, rate: rate, per: period.wholeMicroseconds, burst: burst)
        else {
            throw PlanError(
                path: window.path,
                problem: "takes more than four years to fill: lower burst or per")
        }
        self = limit
    }

    /// Units in one period.
    static let rates: ClosedRange<Int64> = 1...1_000_000_000
}
