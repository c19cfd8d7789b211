public import Metering
import Postgres
public import Quotas

/// An override that runs now.
public struct ListedOverride: Hashable, Sendable {
    public let id: Int64
    public let clinic: ClinicID
    /// nil when the clinic has none, or was deleted.
    public let subdomain: String?
    public let override: ClinicOverride
    /// µs since 1970-01-01 UTC.
    public let until: Int64
    public let reason: String
    public let createdBy: String
    /// µs since 1970-01-01 UTC.
    public let createdAt: Int64
}

extension ListedOverride {
    init(_ row: PostgresRow) throws {
        let override = ClinicOverride(
            stored: try row.text("what"),
            amount: try row.optionalInt64("value") ?? row.int64("rate"),
            per: try row.optionalInt64("per") ?? 0, burst: try row.optionalInt64("burst") ?? 0)
        guard let override else { throw LedgerError.corrupt("an override that no version writes") }
        self.init(
            id: try row.int64("id"), clinic: try row.clinic("clinic_id"),
            subdomain: try row.optionalText("subdomain"), override: override,
            until: try row.timestamp("until"), reason: try row.text("reason"),
            createdBy: try row.text("created_by"), createdAt: try row.timestamp("created_at"))
    }
}
