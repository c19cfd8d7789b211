import Metering
import Postgres

/// Checkpoints as the arrays that statements take.
struct CheckpointBatch {
    let rows: ArraySlice<UsageCheckpoint>

    /// Months and clinics: what the locks of buckets are found by.
    var keys: [PostgresValue] {
        [.months(rows.map(\.month)), .clinics(rows.map(\.clinic))]
    }

    /// Keys, epochs and the two counts.
    var counts: [PostgresValue] {
        keys + [
            .int64Array(rows.map(\.epoch.bitPattern)), .int64Array(rows.map(\.used)),
            .int64Array(rows.map(\.credited)),
        ]
    }

    /// Counts that were refused, and why.
    func refused(because reason: String) -> [PostgresValue] {
        counts + [.text(reason.isEmpty ? "unsaid" : reason)]
    }

    /// Everything.
    var values: [PostgresValue] { counts + [.timestampArray(rows.map(\.observedAt))] }
}
