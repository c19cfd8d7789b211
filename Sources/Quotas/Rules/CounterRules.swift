public import Metering

/// The rules of counting as pure functions over the value of one clinic: what `metering.lua` does
/// in Redis. Tests hold both equal byte for byte, and `Fallback` decides by these during an outage.
///
/// The story of a check:
///
/// 1. The value is one packed string: what this month used, the clinic's limits, quota and
///    standing, and up to eight closed counts that PostgreSQL may lack.
/// 2. Only the store's clock decides. When the month is over, the value rolls to the next one,
///    whose terms it already knows; when that is over too, the reply is STALE and the caller
///    configures.
/// 3. A count has two numbers that only rise, `used` and `credited`, and a name: its period and
///    epoch.
/// 4. Redis may lose data. It shows in the server's stamp, or in a caller's mark above the value.
///    Then a new epoch starts at zero, and what was used before counts through `base`.
/// 5. At a roll or a new epoch the old count joins the closed ones. It leaves the value only after
///    PostgreSQL confirmed its numbers, so nothing is overwritten that could still be billed.
/// 6. A rate limit is one time: when all that it admitted is paid for. A call fits if its units
///    keep that time within the tolerance.
/// 7. What fits every limit and the quota is counted, in one write. A denial, a peek and an error
///    change no byte.
///
/// docs/decisions/0003-counting.md gives the reasons.
public struct CounterRules: Sendable {
    /// The clock of the store, µs since 1970.
    public let now: Int64
    /// The server and its present run: it changes when Redis restarts or another node takes over.
    public let stamp: UInt64
    /// Makes a new epoch from (stamp, now, previous epoch, nonce).
    let mint: @Sendable (UInt64, Int64, Epoch, UInt64) -> Epoch

    public init(
        now: Int64, stamp: UInt64, mint: @escaping @Sendable (UInt64, Int64, Epoch, UInt64) -> Epoch
    ) {
        self.now = now
        self.stamp = stamp
        self.mint = mint
    }

    public struct Outcome: Hashable, Sendable {
        public let reply: CounterReply
        /// The bytes to store; nil = leave what is there.
        public let stored: [UInt8]?
    }

    /// Decides one request, and counts what is admitted.
    public func check(_ stored: [UInt8]?, _ request: CheckRequest) -> Outcome {
        guard request.isInRange else { return unchanged(.invalid) }
        guard request.notAfter == 0 || now <= request.notAfter else { return unchanged(.expired) }
        guard let stored else { return unchanged(.miss) }
        guard let before = CounterValue(decoding: stored) else { return unchanged(.unreadable) }
        switch broughtUp(before, mark: request.mark, nonce: request.nonce) {
        case .failure(let refusal): return unchanged(refusal.verdict)
        case .success(let value): return decide(request, before: before, value)
        }
    }

    func unchanged(_ verdict: CounterReply.Verdict) -> Outcome {
        Outcome(reply: .noAnswer(verdict, now: now), stored: nil)
    }

    struct Refusal: Error {
        let verdict: CounterReply.Verdict
    }
}

// MARK: Periods and epochs

extension CounterRules {
    /// The value as it has to be before anything is counted at `now`.
    func broughtUp(
        _ before: CounterValue, mark: Mark?, nonce: UInt64
    ) -> Result<CounterValue, Refusal> {
        var value = before
        let isBehind = mark.map(before.isBehind) ?? false
        let lost = now < before.periodEnd ? mark.map(before.unitsLost) ?? 0 : 0
        if now >= value.periodEnd {
            guard value.nextPeriodEnd != 0, now < value.nextPeriodEnd else {
                return .failure(Refusal(verdict: .stale))
            }
            guard value.roll(at: now) else { return .failure(Refusal(verdict: .unsettled)) }
        }
        if isBehind || value.stamp != stamp {
            guard switchEpoch(&value, nonce: nonce, lost: lost) else {
                return .failure(Refusal(verdict: .unsettled))
            }
        }
        return .success(value)
    }

    /// Starts a new epoch within the period; false when the old count cannot be kept.
    ///
    /// - Parameter lost: Units that the value has forgotten and a mark still names: the quota
    ///   counts them.
    func switchEpoch(_ value: inout CounterValue, nonce: UInt64, lost: Int64 = 0) -> Bool {
        guard value.closeCount() else { return false }
        value.base = min(value.usage &+ lost, CounterValue.countMax)
        value.epoch = mint(stamp, now, value.epoch, nonce)
        value.stamp = stamp
        (value.used, value.credited, value.granted) = (0, 0, 0)
        return true
    }
}

extension CounterValue {
    /// True when a caller has seen more than this value holds: Redis lost a tail of its writes.
    func isBehind(_ mark: Mark) -> Bool {
        if mark.epoch == .none || mark.period < period { return false }
        if mark.epoch == epoch {
            return mark.period > period || mark.used > used || mark.credited > credited
        }
        return !closed.contains { $0.epoch == mark.epoch }
    }

    /// Units that a mark of the running count names and this value does not.
    func unitsLost(_ mark: Mark) -> Int64 {
        guard mark.epoch == epoch, mark.period == period else { return 0 }
        let known = (mark.used &- mark.credited) &- (used &- credited)
        return min(max(0, known), CounterValue.countMax)
    }

    /// Keeps the running count as a closed one; false when eight unsettled ones fill the list.
    mutating func closeCount() -> Bool {
        if used == 0 && credited == 0 { return true }
        if closed.count == Self.closedMax {
            guard let settled = closed.firstIndex(where: \.isSettled) else { return false }
            closed.remove(at: settled)
        }
        closed.append(Closed(period: period, epoch: epoch, used: used, credited: credited))
        return true
    }

    mutating func enterPeriod(_ start: Int64) -> Bool {
        guard closeCount() else { return false }
        (period, used, credited, granted, base) = (start, 0, 0, 0, 0)
        return true
    }

    mutating func roll(at now: Int64) -> Bool {
        guard enterPeriod(periodEnd) else { return false }
        (periodEnd, nextPeriodEnd, quota) = (nextPeriodEnd, 0, nextQuota)
        if !nextLimits.isEmpty {
            replaceLimits(nextLimits, at: now)
            nextLimits = []
            shadow.turn()
        }
        return true
    }

    /// A limit whose id stays keeps what was used of it; others start unused.
    package mutating func replaceLimits(_ new: [RateLimit], at now: Int64) {
        let old = Dictionary(limits.map { ($0.limit.id, $0) }, uniquingKeysWith: { $1 })
        limits = new.map { Timed(limit: $0, time: old[$0.id]?.time(under: $0, at: now) ?? 0) }
    }
}

extension CounterValue.Timed {
    /// The time under another limit, with as many units used as before.
    ///
    /// 20 a second, burst 60, 40 used: 2,000,000 µs ahead of `now`. At 40 a second with a burst of
    /// 100 the 40 units are 1,000,000 µs, and 60 remain instead of 20: the difference of the
    /// bursts. With a burst of 30 none remains, and the wait is that of 30 units. Where the time
    /// for a unit changes, a unit that is half paid for counts as used.
    func time(under new: RateLimit, at now: Int64) -> Int64 {
        guard time > now else { return time }
        let used = min(time, now + limit.tolerance) - now
        guard new.emission != limit.emission else { return now + min(used, new.tolerance) }
        let units = (used + limit.emission - 1) / limit.emission
        return now + (units > new.burst ? new.tolerance : units * new.emission)
    }
}
