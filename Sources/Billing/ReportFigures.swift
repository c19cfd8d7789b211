/// What a page says of all clinics of a report together: sums and counts, never rows without a
/// bound.
public struct ReportFigures: Hashable, Sendable {
    public var totals = Totals()
    public var findings = ReportFindings()
    /// By word of `payment_status`; nil is no subscription.
    public var standing: [ReportGroup] = []
    /// How many clinics use how much of their limit.
    public var brackets: [Counter: [Bracket: Int64]] = [:]
    /// Cost units by day of the month, only days that have some.
    public var days: [Int: Int64] = [:]
    /// Thirteen months, this one last.
    public var months: [ReportMonth] = []
    /// The clinics with the most calls, at most 20.
    public var top: [ReportRow] = []

    public init() {}

    public struct Totals: Hashable, Sendable {
        public var clinics: Int64 = 0
        public var users: Int64 = 0
        public var patients: Int64 = 0
        public var apiCalls: Int64 = 0
        /// Bytes.
        public var storageUsed: Int64 = 0
        /// Users of clinics that have a limit of users, and these limits.
        public var seatsUsed: Int64 = 0
        public var seatsIncluded: Int64 = 0

        public init() {}
    }

    /// What has a limit. Raw values are those of the statement that counts.
    public enum Counter: String, CaseIterable, Sendable { case calls, users, patients, storage }

    /// A part of a limit. Raw values are those of the statement that counts.
    public enum Bracket: Int64, CaseIterable, Sendable {
        case firstQuarter, secondQuarter, thirdQuarter, fourthQuarter
        /// All of it, or more.
        case full
        case unlimited
    }
}
