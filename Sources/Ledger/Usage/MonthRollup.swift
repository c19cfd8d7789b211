public import Metering

/// What a roll-up of one month did, or would do.
public struct MonthRollup: Hashable, Sendable {
    public var month: Month
    /// Clinics with usage, files or a row in the month.
    public var examined: Int64 = 0
    /// Rows of api_usage written; in a preview: that would be.
    public var written: Int64 = 0
    /// Clinics with usage that do not exist any more: left out of api_usage, kept in the ledger.
    public var ownerless: Int64 = 0
    /// Clinics whose total a column api_calls of type INT cannot hold: their rows stay as they are.
    public var tooLarge: Int64 = 0
    /// Buckets that are closed, their api_usage frozen, or imported: from before metering.
    public var closedBuckets = 0

    public init(month: Month) { self.month = month }

    static func += (sum: inout MonthRollup, part: MonthRollup) {
        sum.examined += part.examined
        sum.written += part.written
        sum.ownerless += part.ownerless
        sum.tooLarge += part.tooLarge
        sum.closedBuckets += part.closedBuckets
    }
}
