/// What the ledger remembers of one clinic in one month and epoch.
///
/// Both counts only rise, so rows of one key merge by maximum: writing a row twice, late or out of
/// order changes nothing.
public struct UsageCheckpoint: Hashable, Sendable {
    public var month: Month
    public var clinic: ClinicID
    public var epoch: Epoch
    /// Cost units counted, at least 0.
    public var used: Int64
    /// Cost units given back, at least 0.
    public var credited: Int64
    /// When Redis answered with these counts, in microseconds since 1970-01-01 UTC.
    public var observedAt: Int64

    public init(
        month: Month, clinic: ClinicID, epoch: Epoch, used: Int64, credited: Int64,
        observedAt: Int64
    ) {
        self.month = month
        self.clinic = clinic
        self.epoch = epoch
        self.used = used
        self.credited = credited
        self.observedAt = observedAt
    }

    /// What a row is stored under, ordered like the primary key of the table.
    public struct Key: Hashable, Comparable, Sendable {
        public let month: Month
        public let clinic: ClinicID
        public let epoch: Epoch

        public init(month: Month, clinic: ClinicID, epoch: Epoch) {
            self.month = month
            self.clinic = clinic
            self.epoch = epoch
        }

        /// Epochs in the order of the BIGINT they are stored as.
        public static func < (left: Key, right: Key) -> Bool {
            (left.month, left.clinic, left.epoch.bitPattern)
                < (right.month, right.clinic, right.epoch.bitPattern)
        }
    }

    public var key: Key { Key(month: month, clinic: clinic, epoch: epoch) }

    /// used − credited, or nil when that has no `Int64`, which counts of at least 0 never reach.
    public var net: Int64? {
        let (net, overflow) = used.subtractingReportingOverflow(credited)
        return overflow ? nil : net
    }

    /// One row for each key with the highest of each number, sorted by key.
    ///
    /// The order, grouping and repetition of `rows` do not matter. Writers that upsert in this
    /// order cannot lock each other in a circle.
    public static func merged(_ rows: some Sequence<UsageCheckpoint>) -> [UsageCheckpoint] {
        var merged: [UsageCheckpoint] = []
        for row in rows.sorted(by: { $0.key < $1.key }) {
            if let last = merged.indices.last, merged[last].key == row.key {
                merged[last].raise(to: row)
            } else {
                merged.append(row)
            }
        }
        return merged
    }

    private mutating func raise(to other: UsageCheckpoint) {
        used = max(used, other.used)
        credited = max(credited, other.credited)
        observedAt = max(observedAt, other.observedAt)
    }
}
