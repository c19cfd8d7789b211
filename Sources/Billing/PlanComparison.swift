/// What a clinic would have on another plan, beside what it has and uses.
public struct PlanComparison: Hashable, Sendable {
    public enum Measure: String, CaseIterable, Sendable {
        case users, patients
        /// Bytes.
        case storage
        /// Cost units of the month.
        case apiCalls = "api_calls"
    }

    public struct Line: Hashable, Sendable {
        public let measure: Measure
        public let used: Int64
        public let before: Allowance
        public let after: Allowance

        public init(measure: Measure, used: Int64, before: Allowance, after: Allowance) {
            self.measure = measure
            self.used = used
            self.before = before
            self.after = after
        }

        /// How much is over the new allowance; nil when it fits.
        public var excess: Int64? {
            guard case .limited(let most) = after, used > most else { return nil }
            return used - most
        }

        var isLowered: Bool { after.reach < before.reach }
    }

    public let lines: [Line]

    public init(_ lines: [Line]) { self.lines = lines }

    /// Whether an allowance shrinks. Such a move waits for the end of the month, because the clinic
    /// has paid for the current one.
    public var isDowngrade: Bool { lines.contains { $0.isLowered } }

    public var exceeded: [Line] { lines.filter { $0.excess != nil } }
}

extension Allowance {
    /// No plan limits nothing, like an unlimited one.
    fileprivate var reach: Int64 {
        switch self {
        case .none, .unlimited: .max
        case .limited(let most): most
        }
    }
}
