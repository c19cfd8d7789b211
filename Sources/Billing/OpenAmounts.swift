import Metering

/// What is to be paid and since when, from facts in any order: maxima and minima only.
///
/// The account is what is not named: a payment of it covers all that was open at its time. A paid
/// invoice is open again only when it is reopened later; an older failure that becomes known late
/// changes nothing.
struct OpenAmounts {
    private struct Invoice {
        /// When the invoice was recorded, and when it is due: the latest fact counts.
        var due: (said: UTCTime, until: UTCTime)?
        var firstFailure: UTCTime?
        var paid: UTCTime?
        var reopened: UTCTime?
    }

    private var accountPaid: UTCTime?
    private var accountFailures: [UTCTime] = []
    private var invoices: [String: Invoice] = [:]

    init(_ facts: [SubscriptionFact]) {
        for fact in facts { take(fact) }
    }

    private mutating func take(_ fact: SubscriptionFact) {
        let at = fact.at
        switch fact.kind {
        case .charged(let name, let until):
            let held = invoices[name, default: Invoice()].due
            if held.map({ ($0.said, $0.until) < (at, until) }) ?? true {
                invoices[name, default: Invoice()].due = (at, until)
            }
        case .paymentFailed(nil), .reopened(nil): accountFailures.append(at)
        case .paymentFailed(let name?):
            let held = invoices[name, default: Invoice()].firstFailure
            invoices[name, default: Invoice()].firstFailure = min(held ?? at, at)
        case .paid(nil): accountPaid = max(accountPaid ?? at, at)
        case .paid(let name?):
            let held = invoices[name, default: Invoice()].paid
            invoices[name, default: Invoice()].paid = max(held ?? at, at)
        case .reopened(let name?):
            let held = invoices[name, default: Invoice()].reopened
            invoices[name, default: Invoice()].reopened = max(held ?? at, at)
        case .subscribed, .declared, .held, .released, .canceled, .cancelWithdrawn: break
        }
    }

    /// A failure of the account that no fact tells of.
    mutating func addAccountFailure(at: UTCTime) { accountFailures.append(at) }

    /// Whether anything was ever paid.
    var hasPayment: Bool { accountPaid != nil || invoices.values.contains { $0.paid != nil } }

    /// Since when the oldest amount that is open at `now` is open; nil when nothing is.
    func unpaidSince(at now: UTCTime) -> UTCTime? {
        let account = accountFailures.filter(isAfterPayment).min()
        let starts =
            invoices.values.compactMap { start(of: $0, at: now) } + (account.map { [$0] } ?? [])
        return starts.min()
    }

    /// Days by which invoices have to be paid that are not over at `now`.
    func duesAhead(of now: UTCTime) -> [UTCTime] {
        invoices.values.compactMap { $0.paid == nil ? $0.due?.until : nil }.filter { $0 > now }
    }

    private func start(of invoice: Invoice, at now: UTCTime) -> UTCTime? {
        var starts: [UTCTime] = []
        if invoice.paid == nil {
            // An invoice is open from its record on; a payment of the account covers earlier ones.
            let due = invoice.due.flatMap {
                $0.until <= now && isAfterPayment($0.said) ? max($0.until, $0.said) : nil
            }
            starts += [due, invoice.firstFailure].compactMap { $0 }.min().map { [$0] } ?? []
        }
        if let reopened = invoice.reopened, invoice.paid.map({ reopened > $0 }) ?? true {
            starts.append(reopened)
        }
        return starts.filter(isAfterPayment).min()
    }

    private func isAfterPayment(_ time: UTCTime) -> Bool { accountPaid.map { time > $0 } ?? true }
}
