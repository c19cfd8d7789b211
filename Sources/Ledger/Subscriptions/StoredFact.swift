public import Billing
import Metering
import Postgres

/// A fact as it is stored.
public struct StoredFact: Hashable, Sendable {
    public let id: Int64
    public let fact: SubscriptionFact
    /// As the column `kind` has it.
    public let kind: String
    public let reason: String
    public let recordedBy: String
}

extension StoredFact {
    init(_ row: PostgresRow) throws {
        id = try row.int64("fact_id")
        kind = try row.text("kind")
        reason = try row.text("reason")
        recordedBy = try row.text("recorded_by")
        fact = SubscriptionFact(at: try row.time("at"), kind: try Self.kind(kind, row))
    }

    private static func kind(
        _ word: String, _ row: PostgresRow
    ) throws -> SubscriptionFact.Kind {
        let until = try row.optionalTime("until")
        let invoice = try row.optionalText("invoice")
        switch word {
        case "subscribed":
            return .subscribed(trialUntil: until, awaitsPayment: try row.bool("awaits_payment"))
        case "declared", "legacy_status":
            guard let status = PaymentStatus(rawValue: try row.text("status")) else { break }
            return .declared(status)
        case "charged":
            guard let invoice, let until else { break }
            return .charged(invoice: invoice, due: until)
        case "payment_failed": return .paymentFailed(invoice: invoice)
        case "paid": return .paid(invoice: invoice)
        case "reopened": return .reopened(invoice: invoice)
        case "held": return .held(until: until)
        case "released": return .released
        case "canceled":
            guard let until else { break }
            return .canceled(effective: until)
        case "cancel_withdrawn": return .cancelWithdrawn
        default: break
        }
        throw LedgerError.corrupt("a subscription fact of another version")
    }
}
