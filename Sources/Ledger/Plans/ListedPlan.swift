public import Metering
import Postgres
import Quotas

/// A plan as `billing plans list` shows it.
public struct ListedPlan: Hashable, Sendable {
    public let id: Int64
    public let name: String
    public let maxUsers: Int64
    public let maxPatients: Int64
    /// All of it, also the application's keys.
    public let features: JSON
    /// The newest version that no program refused, and its key `metering`; nil when there is none.
    public let version: Int64?
    public let metering: String?
    /// What is wrong with a newer version.
    public let problem: String?
    public let clinics: Int64

    /// Units of a month; nil = no quota. Read from the version in force.
    public var quota: Int64? { promised?.quota }
    /// Bytes; nil = no limit.
    public var storageBytes: Int64? { promised?.storageBytes }

    private var promised: PlanFeatures? { try? PlanFeatures(json: metering) }
}

extension ListedPlan {
    init(_ row: PostgresRow) throws {
        self.init(
            id: try row.int64("plan_id"), name: try row.text("name"),
            maxUsers: try row.int64("max_users"), maxPatients: try row.int64("max_patients"),
            features: JSON(features: try row.text("features")),
            version: try row.optionalInt64("version"), metering: try row.optionalText("used"),
            problem: try row.optionalText("problem"), clinics: try row.int64("clinics"))
    }
}
