public import Metering

/// The part of a plan that is about money: prices, and what happens when an invoice is not paid.
///
/// Limits and quota are `PlanFeatures`; a plan is good when both can be read.
public struct PlanTerms: Hashable, Sendable {
    public let prices: PlanPrices?
    /// The key `metering.dunning`.
    public let standing: DunningSchedule
}

extension PlanTerms {
    /// Reads the text of the key `metering`; nil means that the plan has none.
    public init(json text: String?) throws(PlanError) {
        guard let text else {
            self.init(prices: nil, standing: DunningSchedule())
            return
        }
        try self.init(try PlanObject(metering: text))
    }

    /// - Parameter plan: The key `metering`.
    public init(_ plan: PlanObject) throws(PlanError) {
        self.init(prices: try PlanPrices(plan), standing: try DunningSchedule(plan))
    }
}

extension DunningSchedule {
    static let days: ClosedRange<Int64> = 1...3_650
    static let trials: ClosedRange<Int64> = 0...3_650
    static let dwellHours: ClosedRange<Int64> = 0...720
    static let noticesMax = 32

    /// The key `metering.dunning` of a plan; what is not written is as usual.
    ///
    /// ```json
    /// {"notices": [1, 3, 7, 12], "suspend_after_days": 14, "cancel_after_days": 60,
    ///  "trial_days": 14, "minimum_dwell_hours": 24}
    /// ```
    init(_ plan: PlanObject) throws(PlanError) {
        self.init()
        let keys = [
            "notices", "suspend_after_days", "cancel_after_days", "trial_days",
            "minimum_dwell_hours",
        ]
        guard let given = try plan.object("dunning", known: keys) else { return }
        noticeDays = try Self.notices(given) ?? noticeDays
        suspendAfterDays =
            try given.whole("suspend_after_days", in: Self.days) ?? suspendAfterDays
        cancelAfterDays = try given.whole("cancel_after_days", in: Self.days) ?? cancelAfterDays
        trialDays = try given.whole("trial_days", in: Self.trials) ?? trialDays
        minimumDwellHours =
            try given.whole("minimum_dwell_hours", in: Self.dwellHours) ?? minimumDwellHours
        guard suspendAfterDays < cancelAfterDays else {
            throw given.error(
                "suspend_after_days",
                "is \(suspendAfterDays), not before the cancellation on day \(cancelAfterDays)")
        }
        if let late = noticeDays.first(where: { $0 >= cancelAfterDays }) {
            throw given.error(
                "notices", "has day \(late), not before the cancellation on day \(cancelAfterDays)")
        }
    }

    private static func notices(_ given: PlanObject) throws(PlanError) -> [Int64]? {
        guard let list = try given.list("notices", most: noticesMax) else { return nil }
        var notices: [Int64] = []
        for (place, json) in list.enumerated() {
            let path = "\(given.path("notices")).\(place)"
            let day = try PlanObject.whole(json, in: days, path: path)
            guard day > notices.last ?? 0 else {
                throw PlanError(path: path, problem: "is \(day), not after the day before it")
            }
            notices.append(day)
        }
        return notices
    }
}
