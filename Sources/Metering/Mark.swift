/// The highest counts that one caller saw for a clinic.
///
/// Every reply of Redis carries one, and the caller passes its mark with the next check. So a
/// Redis that went back is noticed, and what a caller saw acknowledged is never forgotten.
public struct Mark: Hashable, Sendable {
    /// Start of the period, in microseconds since 1970-01-01 UTC.
    public var period: Int64
    public var epoch: Epoch
    /// Cost units counted in this period and epoch, at least 0.
    public var used: Int64
    /// Cost units given back in this period and epoch, at least 0.
    public var credited: Int64
    /// The configuration that Redis decided by. It only rises.
    public var configVersion: Int64
    /// The clock of Redis when it answered, in microseconds since 1970-01-01 UTC.
    public var seenAt: Int64

    public init(
        period: Int64, epoch: Epoch, used: Int64, credited: Int64, configVersion: Int64,
        seenAt: Int64
    ) {
        self.period = period
        self.epoch = epoch
        self.used = used
        self.credited = credited
        self.configVersion = configVersion
        self.seenAt = seenAt
    }

    /// used − credited, or nil when that has no `Int64`, which counts of at least 0 never reach.
    public var net: Int64? {
        let (net, overflow) = used.subtractingReportingOverflow(credited)
        return overflow ? nil : net
    }

    /// The mark of a caller that saw both.
    ///
    /// Within one period and epoch each count is the higher one. Otherwise the counts cannot be
    /// compared and the later mark stands: the later period, in one period the one seen later.
    /// The earlier count is not lost by this, because each goes to the ledger under its own key.
    public func merged(with other: Mark) -> Mark {
        var merged = standsBefore(other) ? other : self
        if period == other.period && epoch == other.epoch {
            merged.used = max(used, other.used)
            merged.credited = max(credited, other.credited)
            merged.seenAt = max(seenAt, other.seenAt)
        }
        merged.configVersion = max(configVersion, other.configVersion)
        return merged
    }

    private func standsBefore(_ other: Mark) -> Bool {
        (period, seenAt, epoch) < (other.period, other.seenAt, other.epoch)
    }
}

extension Mark {
    /// What the ledger keeps of this mark, or nil when its period is no month of 1970…9999.
    public func checkpoint(of clinic: ClinicID) -> UsageCheckpoint? {
        guard let month = Month(containing: period) else { return nil }
        return UsageCheckpoint(
            month: month, clinic: clinic, epoch: epoch, used: used, credited: credited,
            observedAt: seenAt)
    }
}
