public import Metering

/// How old the numbers of a report are.
///
/// A report reads what the last roll-up wrote, so it is as old as that roll-up.
public struct ReportAge: Hashable, Sendable {
    /// When the numbers were rolled up, or nil when that never happened for the month.
    public let asOf: UTCTime?
    /// When the report was made.
    public let madeAt: UTCTime

    public init(asOf: UTCTime?, madeAt: UTCTime) {
        self.asOf = asOf
        self.madeAt = madeAt
    }

    /// Whether the numbers are at most so old; never when nothing was rolled up.
    public func isYounger(than most: Duration) -> Bool {
        guard let asOf else { return false }
        return .microseconds(madeAt.microseconds - asOf.microseconds) <= most
    }
}

extension ReportAge: CustomStringConvertible {
    /// `as of 2026-11-23 10:00:07 UTC, 42 s old`.
    ///
    /// The age is cut to whole seconds below 2 minutes, then minutes below 2 hours, hours below 2
    /// days, and days. A roll-up that seems to lie ahead, by a clock that differs, is 0 s old.
    public var description: String {
        guard let asOf else { return "no roll-up of this month yet" }
        let seconds = max(0, (madeAt.microseconds - asOf.microseconds) / 1_000_000)
        let age =
            switch seconds {
            case ..<120: "\(seconds) s"
            case ..<7_200: "\(seconds / 60) min"
            case ..<172_800: "\(seconds / 3_600) h"
            default: "\(seconds / 86_400) d"
            }
        return "as of \(asOf), \(age) old"
    }
}
