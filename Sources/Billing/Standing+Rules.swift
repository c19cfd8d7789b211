public import Metering

extension Standing {
    /// Where a subscription stands at `now`, by its facts alone and by when its present status
    /// began.
    ///
    /// Facts may come in any order and more than once. Deadlines are absolute: the day of
    /// suspension does not depend on when it was evaluated. One call moves at most one step of
    /// severity (past due, suspended, canceled), and not before the least time in the present one;
    /// relief is immediate.
    ///
    /// Open since 2026-11-01, first evaluated on 2026-11-20: past due; a day later: suspended.
    /// - Parameters:
    ///   - entered: The present standing; nil for a clinic that has none yet.
    ///   - now: The clock of the database. Facts after it do not count yet.
    public static func after(
        _ facts: [SubscriptionFact], terms: SubscriptionTerms, entered: Standing?,
        schedule: DunningSchedule, now: UTCTime
    ) -> StandingStep {
        let ended = entered.flatMap { $0.status.access == .ended ? $0.since : nil }
        let history = SubscriptionHistory(facts, ended: ended, now: now)
        let target = Target(history, terms: terms, schedule: schedule, now: now)
        let standing = step(from: entered, to: target, history, schedule, now)
        let isOver = standing.status.access == .ended
        let unpaidSince = isOver || history.frozenWord != nil ? nil : target.unpaidSince
        var ahead = history.ahead + (isOver ? [] : target.ahead)
        if standing.status != target.status {
            ahead.append(standing.since.adding(hours: schedule.minimumDwellHours))
        }
        return StandingStep(
            standing: standing, unpaidSince: unpaidSince,
            notice: unpaidSince.flatMap {
                standing.status == .paused ? nil : schedule.notice(unpaidSince: $0, now: now)
            },
            next: ahead.filter { $0 > now }.min())
    }

    private static func step(
        from entered: Standing?, to target: Target, _ history: SubscriptionHistory,
        _ schedule: DunningSchedule, _ now: UTCTime
    ) -> Standing {
        guard let entered else { return firstStep(to: target, now) }
        guard target.status != entered.status else { return entered }
        // A clinic that comes back begins at the first step again.
        let from = entered.status.access == .ended ? 0 : entered.status.severity
        let to = target.severity
        guard to > from, to > 1 else {
            return Standing(
                status: target.status, since: now,
                cause: target.cause(from: entered, begun: history.begun))
        }
        let earliest = entered.since.adding(hours: schedule.minimumDwellHours)
        if from > 0 && now < earliest { return entered }
        return Standing(
            status: .ofSeverity(from + 1), since: now, cause: Target.cause(ofSeverity: from + 1))
    }

    private static func firstStep(to target: Target, _ now: UTCTime) -> Standing {
        guard target.severity > 1 else {
            return Standing(
                status: target.status, since: now, cause: target.cause(from: nil, begun: nil))
        }
        return Standing(status: .pastDue, since: now, cause: .unpaid)
    }
}

/// Where the facts lead, without regard to steps.
private struct Target {
    let status: PaymentStatus
    /// 1…3 when it comes from an open amount, else 0.
    let severity: Int
    let unpaidSince: UTCTime?
    /// Instants at which time changes something.
    let ahead: [UTCTime]
    private let reason: Standing.Cause

    init(
        _ history: SubscriptionHistory, terms: SubscriptionTerms, schedule: DunningSchedule,
        now: UTCTime
    ) {
        let open = history.openAmounts(schedule)
        let unpaidSince = open.unpaidSince(at: now)
        let severity = unpaidSince.map { schedule.severity(since: $0, now: now) } ?? 0
        let holdEnd = history.holdEnd(at: now)
        let firstPayment = open.hasPayment ? nil : history.firstPaymentDeadline
        let trialEnd = open.hasPayment ? nil : history.trialEnd
        var ahead = [terms.expiry].compactMap { $0 }
        if history.frozenWord == nil {
            ahead += [history.cancelTime, holdEnd, firstPayment, trialEnd].compactMap { $0 }
            ahead += open.duesAhead(of: now)
            if let unpaidSince {
                let days =
                    schedule.noticeDays + [schedule.suspendAfterDays, schedule.cancelAfterDays]
                ahead += days.map { unpaidSince.adding(days: $0) }
            }
        }
        self.ahead = ahead.filter { $0 != .last }
        self.unpaidSince = unpaidSince

        // What would have ended it later finds it over already.
        let last = min(history.end ?? now, now)
        func has(_ end: UTCTime?) -> Bool { end.map { $0 <= last } ?? false }
        let word = history.declaredWord
        (status, reason, self.severity) =
            if let word, word.access == .ended {
                (word, .declared, 0)
            } else if has(history.cancelTime) {
                (.canceled, .canceled, 0)
            } else if has(terms.expiry) {
                (.expired, .endDatePassed, 0)
            } else if let frozen = history.frozenWord {
                (frozen, .declared, 0)
            } else if has(firstPayment) {
                (.expired, .firstPaymentMissing, 0)
            } else if holdEnd != nil { (.paused, .held, 0) } else if firstPayment != nil {
                (.incomplete, .subscribed, 0)
            } else if severity > 0 {
                (.ofSeverity(severity), Self.cause(ofSeverity: severity), severity)
            } else if has(trialEnd) { (.paused, .trialEnded, 0) } else if trialEnd != nil {
                (.trialing, .subscribed, 0)
            } else { (.active, .paid, 0) }
    }

    static func cause(ofSeverity severity: Int) -> Standing.Cause {
        switch severity {
        case ...1: .unpaid
        case 2: .graceEnded
        default: .deadlinePassed
        }
    }

    /// Why a clinic comes here from where it stood; the way matters only where nothing bad
    /// happened.
    ///
    /// - Parameter begun: When a subscription began last; nil when none did.
    func cause(from entered: Standing?, begun: UTCTime?) -> Standing.Cause {
        guard status.access != .ended else { return reason }
        guard let entered else { return status == .active ? .subscribed : reason }
        if let begun, begun > entered.since, severity == 0, reason != .held { return .subscribed }
        if entered.status.access == .ended { return .restored }
        guard [.active, .trialing, .incomplete].contains(status), reason != .declared else {
            return reason
        }
        return entered.status == .paused && entered.cause != .trialEnded ? .released : .paid
    }
}
