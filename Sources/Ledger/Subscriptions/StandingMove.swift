public import Metering
import Postgres

/// A move from one status to another, as it is stored.
public struct StandingMove: Hashable, Sendable {
    public let event: Int64
    public let from: String?
    public let to: String
    public let cause: String
    public let at: UTCTime
    public let recordedBy: String
}

extension StandingMove {
    init(_ row: PostgresRow) throws {
        event = try row.int64("event_id")
        from = try row.optionalText("from_status")
        to = try row.text("to_status")
        cause = try row.text("cause")
        at = try row.time("at")
        recordedBy = try row.text("recorded_by")
    }
}
