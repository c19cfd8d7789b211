import Metering

/// Denials that still hold, so that asking again need not cost a trip to the counter. Bounded.
///
/// A denial of cost 5 with a wait of 300 ms answers every `consume` of cost 5 and more for the next 299.8 ms: time
/// only frees a limit, so nothing of it could be admitted sooner. One with a longer wait is kept for 1 s, because
/// what frees it otherwise (a refund, a raised quota, a counter that was lost) is seen by asking only.
/// Times are µs of our own clock, which never goes back.
struct DenialCache: Sendable {
    struct Key: Hashable, Sendable {
        let limit: UInt16
        let writes: Bool
    }

    private struct Denial: Sendable {
        let cost: Int64
        let reply: CounterReply
        let answeredAt: Int64
        /// The first moment at which it says nothing any more.
        let end: Int64
    }

    private struct Page: Sendable {
        let version: Int64
        var denials: [Key: Denial] = [:]
    }

    private var pages: [ClinicID: Page] = [:]

    static let keptFor: Int64 = 1_000_000
    static let clinicsMax = 10_000
    /// Limits of a plan, for calls that read and for calls that write.
    private static let denialsMax = 2 * CounterValue.limitsMax

    /// The denial of a call that would be denied again, as it is at `now`; nil = ask.
    func denial(of clinic: ClinicID, _ key: Key, cost: Int64, at now: Int64) -> CounterReply? {
        guard let denial = pages[clinic]?.denials[key], cost >= denial.cost, now < denial.end
        else { return nil }
        return denial.reply.aged(by: max(0, now - denial.answeredAt))
    }

    /// Takes in what a `consume` was answered.
    ///
    /// - Parameter askedAt: A time before the counter decided, so that no denial outlives its wait.
    mutating func note(
        _ reply: CounterReply, of clinic: ClinicID, _ key: Key, cost: Int64, askedAt: Int64,
        answeredAt: Int64
    ) {
        var page = pages[clinic] ?? Page(version: reply.configVersion)
        if page.version != reply.configVersion { page = Page(version: reply.configVersion) }
        if let end = Self.end(of: reply, askedAt: askedAt), end > answeredAt {
            if page.denials.count >= Self.denialsMax { page.denials.removeAll() }
            page.denials[key] = Denial(
                cost: cost, reply: reply, answeredAt: answeredAt, end: end)
        } else {
            page.denials[key] = nil
        }
        guard !page.denials.isEmpty else { return pages[clinic] = nil }
        if pages[clinic] == nil, pages.count >= Self.clinicsMax { pages.removeAll() }
        pages[clinic] = page
    }

    /// Something of the clinic was given back.
    mutating func forget(_ clinic: ClinicID) { pages[clinic] = nil }

    var clinics: Int { pages.count }

    /// Nil for an answer that is no denial by a rate limit or the quota: standings change at any moment.
    ///
    /// Our clock may run slower than that of Redis by 1 in 2,000.
    private static func end(of reply: CounterReply, askedAt: Int64) -> Int64? {
        let byRoom = 0xFF | CounterReply.quotaBit
        guard reply.verdict == .denied, reply.mask != 0, reply.mask & ~byRoom == 0 else {
            return nil
        }
        let wait = reply.wait < 0 ? keptFor : min(reply.wait, keptFor)
        return askedAt + wait - wait / StoreClock.drift - 1
    }
}

extension CounterReply {
    /// The same denial `time` µs later, when nothing was counted meanwhile.
    fileprivate func aged(by time: Int64) -> CounterReply {
        var aged = self
        aged.now += time
        if wait > 0 { aged.wait = max(1, wait - time) }
        aged.limits = limits.map { limit in
            RateLimit(id: limit.id, emission: limit.emission, tolerance: limit.tolerance)
                .map { Limit($0, time: limit.time, now: aged.now) } ?? limit
        }
        return aged
    }
}
