public import Metering
import Postgres

/// A counter that differed from the rows it counts. It was set to `counted`.
public struct CounterDrift: Hashable, Sendable {
    public let clinic: ClinicID
    public let counter: LimitCounter
    public let kept: Int64
    public let counted: Int64
}

extension CounterDrift {
    init(_ row: PostgresRow) throws {
        self.init(
            clinic: try row.clinic("clinic"), counter: try row.limitCounter("counter"),
            kept: try row.int64("kept"), counted: try row.int64("counted"))
    }
}
