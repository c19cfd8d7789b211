import Metering

/// The state given by the facts up to an instant, whatever their order and repetition.
struct SubscriptionHistory {
    /// The latest beginning; only facts from then on count.
    let anchor: SubscriptionFact?
    /// The facts since the anchor, without it.
    let facts: [SubscriptionFact]
    /// When the subscription ended, unless it started again: no later fact counts.
    let end: UTCTime?
    /// Facts that lie ahead; when they come, the standing is evaluated again.
    let ahead: [UTCTime]

    /// - Parameter ended: When the subscription was over, if it is: what came later counts only
    ///   together with a new beginning.
    init(_ all: [SubscriptionFact], ended: UTCTime?, now: UTCTime) {
        let happened = all.filter { $0.at <= now }
        let anchor = happened.filter(\.isAnchor).max { $0.rank < $1.rank }
        self.anchor = anchor
        let isAnew = anchor.map { anchor in ended.map { anchor.at >= $0 } ?? true } ?? false
        let end = isAnew ? nil : ended
        self.end = end
        facts = happened.filter { fact in
            !fact.isAnchor && (anchor.map { fact.at >= $0.at } ?? true)
                && (end.map { fact.at <= $0 } ?? true)
        }
        ahead = all.lazy.map(\.at).filter { $0 > now }
    }

    /// The word that holds because nothing happened since the application wrote it.
    var frozenWord: PaymentStatus? {
        guard facts.isEmpty, case .declared(let word) = anchor?.kind else { return nil }
        return word
    }

    var declaredWord: PaymentStatus? {
        guard case .declared(let word) = anchor?.kind else { return nil }
        return word
    }

    /// When the first fact came after a status that the application wrote. No deadline runs before:
    /// it is unknown since when that clinic owes.
    private var thawed: UTCTime? { facts.map(\.at).min() }

    /// The instant from which a cancellation ends the subscription.
    ///
    /// A cancellation is taken back by a withdrawal after it that comes before it takes effect.
    var cancelTime: UTCTime? {
        let withdrawals = facts.filter { $0.kind == .cancelWithdrawn }.map(\.at)
        return facts.compactMap { fact -> UTCTime? in
            guard case .canceled(let effective) = fact.kind else { return nil }
            let isWithdrawn = withdrawals.contains { $0 >= fact.at && $0 < effective }
            return isWithdrawn ? nil : effective
        }.min()
    }

    /// Until when the subscription is held; nil when it is not. A hold without an end lasts to the
    /// last instant there is.
    func holdEnd(at now: UTCTime) -> UTCTime? {
        let released = facts.filter { $0.kind == .released }.map(\.at).max()
        var ends = facts.compactMap { fact -> UTCTime? in
            guard case .held(let until) = fact.kind, released.map({ fact.at > $0 }) ?? true else {
                return nil
            }
            return until ?? .last
        }
        if declaredWord == .paused, released == nil { ends.append(.last) }
        return ends.filter { $0 > now }.max()
    }

    func openAmounts(_ schedule: DunningSchedule) -> OpenAmounts {
        var open = OpenAmounts(facts)
        switch (declaredWord, anchor?.at) {
        case (.pastDue, let at?): open.addAccountFailure(at: thawed ?? at)
        // A written `suspended` means that the time of grace is over.
        case (.suspended, let at?):
            open.addAccountFailure(
                at: (thawed ?? at).subtracting(days: schedule.suspendAfterDays))
        default: break
        }
        return open
    }

    /// When the subscription began that the facts are about; nil when the application wrote a word
    /// since.
    var begun: UTCTime? {
        guard let anchor, case .subscribed = anchor.kind else { return nil }
        return anchor.at
    }

    var trialEnd: UTCTime? {
        switch anchor?.kind {
        case .subscribed(let until, _): until
        case .declared(.trialing): .last
        default: nil
        }
    }

    /// When a subscription that waits for its first payment runs out; nil when it waits for none.
    var firstPaymentDeadline: UTCTime? {
        switch anchor?.kind {
        case .subscribed(_, awaitsPayment: true):
            anchor?.at.adding(hours: DunningSchedule.firstPaymentHours)
        case .declared(.incomplete): thawed?.adding(hours: DunningSchedule.firstPaymentHours)
        default: nil
        }
    }
}

extension SubscriptionFact {
    /// Among beginnings of the same instant one has to be the last, always the same.
    fileprivate var rank: (UTCTime, Int, String) {
        switch kind {
        case .subscribed: (at, 1, "\(kind)")
        default: (at, 0, "\(kind)")
        }
    }
}

extension UTCTime {
    /// The instant this many days of 24 hours earlier, at least the first representable one.
    func subtracting(days: Int64) -> UTCTime {
        let (span, tooLong) = days.multipliedReportingOverflow(by: 86_400_000_000)
        guard !tooLong, span >= 0 else { return self }
        return UTCTime(microseconds: max(0, microseconds - span)) ?? self
    }
}
