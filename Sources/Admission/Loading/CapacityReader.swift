public import Metering
public import Quotas

/// Tells how many more users, patients and bytes clinics may have, and protects PostgreSQL from a
/// flood of such questions.
///
/// An answer is good for a second. One read of at most 256 clinics runs at a time
/// (``BatchedLookup``), so this costs PostgreSQL one connection however many callers ask.
public final class CapacityReader: Sendable {
    static let freshFor = Duration.seconds(1)
    static let knownMax = 10_000
    static let clinicsMax = 256

    private let lookup: BatchedLookup<ClinicID, ClinicCapacity>

    /// - Parameter patience: The longest that a caller waits.
    public init(
        source: any CapacitySource, patience: Duration = .seconds(3),
        now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
    ) {
        let pace = BatchedLookup<ClinicID, ClinicCapacity>.Pace(
            foundFor: Self.freshFor, absentFor: Self.freshFor, keysMax: Self.clinicsMax,
            knownMax: Self.knownMax)
        lookup = BatchedLookup(pace, patience: patience, now: now) { clinics throws(QuotaError) in
            try await source.capacities(of: clinics)
        }
    }

    /// Nil when there is no such clinic.
    ///
    /// - Parameter time: What the caller has left, when that is less than its patience.
    public func capacity(
        of clinic: ClinicID, within time: Duration? = nil
    ) async throws(QuotaError) -> ClinicCapacity? {
        try await lookup.value(of: clinic, within: time)
    }

    /// Clinics that wait for the next read.
    var waiting: Int { lookup.waiting }
}
