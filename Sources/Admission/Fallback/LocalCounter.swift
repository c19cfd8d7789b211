import Metering
import Quotas

/// One process's count of a clinic while the common counter is unavailable: `CounterRules` on a
/// value in memory.
struct LocalCounter: Hashable, Sendable {
    private var stored: [UInt8]
    /// When it started, by the clock of this process.
    let startedAt: Int64
    /// Processes that share the limits.
    let workers: Int64
    /// The outage in which it started.
    var outage = 0
    /// Whether the clinic's terms have changed since.
    var isOutdated = false
    /// A time by which all its limits are whole again, by the clock of Redis, µs since 1970.
    private(set) var wholeAt: Int64 = 0
    /// The longest that one of its limits takes to be whole again, µs.
    private let longest: Int64

    /// Starts above what is known: the ledger, the last mark and the carried units count as used.
    ///
    /// - Parameters:
    ///   - now: The clock of Redis as far as it is known, µs since 1970.
    ///   - before: The count that this one replaces: what it admitted of a limit stays used.
    /// - Returns: nil when the terms are of no month that runs at `now`.
    init?(
        _ terms: ClinicTerms, workers: Int64, now: Int64, startedAt: Int64,
        after before: LocalCounter? = nil
    ) {
        var configured = terms.counterTerms(outside: .none)
        configured.limits = configured.limits.map { $0.shared(by: workers) }
        configured.nextLimits = configured.nextLimits.map { $0.shared(by: workers) }
        longest = (configured.limits + configured.nextLimits).map(\.tolerance).max() ?? 0
        let outcome = Self.rules(at: now).configure(nil, configured, nonce: 0)
        guard let stored = outcome.stored else { return nil }
        (self.stored, self.startedAt, self.workers) = (stored, startedAt, workers)
        guard let before, before.wholeAt > now, let old = CounterValue(decoding: before.stored),
            var value = CounterValue(decoding: stored)
        else { return }
        let limits = value.limits.map(\.limit)
        value.limits = old.limits
        value.replaceLimits(limits, at: now)
        self.stored = value.encoded
        wholeAt = now &+ longest
    }

    /// Decides as Redis would, and counts here.
    mutating func check(_ request: CheckRequest, at now: Int64) -> CounterReply {
        var request = request
        (request.mark, request.notAfter) = (nil, 0)
        let outcome = Self.rules(at: now).check(stored, request)
        if let after = outcome.stored {
            stored = after
            wholeAt = max(wholeAt, now &+ longest)
        }
        return outcome.reply
    }

    private static func rules(at now: Int64) -> CounterRules {
        CounterRules(now: now, stamp: 0) { _, _, _, _ in Epoch(rawValue: 1) }
    }
}
