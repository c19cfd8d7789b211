/// How many clinics have something to look at.
public struct ReportFindings: Hashable, Sendable {
    /// Over the plan with users, patients, calls or storage.
    public var overQuota: Int64
    /// `past_due` or `suspended`.
    public var pastDue: Int64
    /// A recount found a counter wrong in the month.
    public var drift: Int64
    /// Open rows in `metering.attention`.
    public var attention: Int64

    public init(
        overQuota: Int64 = 0, pastDue: Int64 = 0, drift: Int64 = 0, attention: Int64 = 0
    ) {
        self.overQuota = overQuota
        self.pastDue = pastDue
        self.drift = drift
        self.attention = attention
    }
}
