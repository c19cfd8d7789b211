public import Metering
public import Quotas

/// Which clinic each subdomain belongs to: a bounded copy in memory, read from PostgreSQL on
/// demand.
///
/// A subdomain that was found is answered from memory from then on, and read again in the
/// background when it is older than ten seconds; so an outage of PostgreSQL delays no known clinic.
/// That a subdomain has no clinic is believed for two seconds. One read runs at a time, of all
/// names that wait, and at most ten start in a second, however many names a client makes up.
public final class SubdomainCache: Sendable {
    static let freshFor = Duration.seconds(10)
    static let absentFor = Duration.seconds(2)
    static let pause = Duration.milliseconds(100)
    static let namesMax = 256

    private let lookup: BatchedLookup<String, ClinicID>

    /// - Parameters:
    ///   - knownMax: Most subdomains that are remembered with a clinic, and most without one.
    ///   - patience: The longest that a caller waits for its name.
    public init(
        source: any SubdomainSource, knownMax: Int = 100_000, patience: Duration = .seconds(3),
        now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
    ) {
        let pace = BatchedLookup<String, ClinicID>.Pace(
            foundFor: Self.freshFor, absentFor: Self.absentFor, servesOldValues: true,
            pause: Self.pause, keysMax: Self.namesMax, knownMax: knownMax)
        lookup = BatchedLookup(pace, patience: patience, now: now) { names throws(QuotaError) in
            try await source.clinics(under: names)
        }
    }

    /// Nil when no clinic has this subdomain.
    public func clinic(of name: String) async throws(QuotaError) -> ClinicID? {
        try await lookup.value(of: name)
    }
}
