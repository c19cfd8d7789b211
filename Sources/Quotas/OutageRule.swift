import Metering

/// What a call of a limit is answered while its counter cannot be asked.
public enum OutageRule: String, Hashable, Sendable, CaseIterable {
    /// Decided by this process alone, at its share of the limit, and marked degraded.
    case allow
    /// Not decided: the caller is told to come back.
    case deny
}

extension RateLimit {
    /// The share that one of `workers` may admit while none can ask the common counter.
    ///
    /// 20 a second with a burst of 60, three workers: 20 in 3 s with a burst of 20. A burst of 1 stays 1 for
    /// each, so together they may admit `workers` at once.
    func shared(by workers: Int64) -> RateLimit {
        let workers = max(1, workers)
        let (slow, isTooSlow) = emission.multipliedReportingOverflow(by: workers)
        let never = RateLimit(id: id, emission: Self.toleranceMax, tolerance: Self.toleranceMax)
        guard !isTooSlow else { return never ?? self }
        let (room, isTooWide) = slow.multipliedReportingOverflow(by: max(1, burst / workers))
        guard !isTooWide else { return never ?? self }
        return RateLimit(id: id, emission: slow, tolerance: room) ?? never ?? self
    }
}

/// A count that one process keeps of a clinic while the common one is away: the same rules, on a value in memory.
struct LocalCounter: Hashable, Sendable {
    private var stored: [UInt8]
    /// Our time at which it began.
    let begun: Int64
    /// Processes that share the limits.
    let workers: Int64
    /// The outage in which it began.
    var outage = 0
    /// Whether something else is known of the clinic since.
    var isOutdated = false
    /// When all its limits are whole again at the latest, by the clock of Redis, µs since 1970.
    private(set) var wholeAt: Int64 = 0
    /// The longest that one of its limits takes to be whole again, µs.
    private let longest: Int64

    /// Begins above what was known: used up is what the ledger, the last mark and the units carried say.
    ///
    /// - Parameters:
    ///   - now: The clock of Redis as far as it is known, µs since 1970.
    ///   - before: The count that ends with this one: what it admitted of a limit stays used.
    /// - Returns: nil when the settings are of no month that runs at `now`.
    init?(
        _ settings: ClinicTerms, workers: Int64, now: Int64, begun: Int64,
        after before: LocalCounter? = nil
    ) {
        var configuration = settings.counterTerms(outside: .none)
        configuration.limits = configuration.limits.map { $0.shared(by: workers) }
        configuration.nextLimits = configuration.nextLimits.map { $0.shared(by: workers) }
        longest =
            (configuration.limits + configuration.nextLimits).map(\.tolerance).max() ?? 0
        let outcome = Self.rules(at: now).configure(nil, configuration, nonce: 0)
        guard let stored = outcome.stored else { return nil }
        (self.stored, self.begun, self.workers) = (stored, begun, workers)
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
