public import Metering
import Postgres

/// A row of api_usage that a roll-up would change.
public struct UsageChange: Hashable, Sendable {
    public var month: Month
    public var clinic: ClinicID
    /// nil when there is no row yet.
    public var before: Usage?
    public var after: Usage

    public struct Usage: Hashable, Sendable {
        /// Cost units; below zero when corrections exceed the month's use.
        public var apiCalls: Int64
        /// Bytes.
        public var storageUsed: Int64

        public init(apiCalls: Int64, storageUsed: Int64) {
            self.apiCalls = apiCalls
            self.storageUsed = storageUsed
        }
    }
}

extension UsageChange {
    init(_ row: PostgresRow, month: Month) throws {
        var before: Usage?
        if let calls = try row.optionalInt64("calls_before") {
            before = Usage(apiCalls: calls, storageUsed: try row.int64("storage_before"))
        }
        let after = Usage(
            apiCalls: try row.int64("calls_after"), storageUsed: try row.int64("storage_after"))
        self.init(
            month: month, clinic: try row.clinic("clinic_id"), before: before, after: after)
    }
}
