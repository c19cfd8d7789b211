import Billing
public import Metering
import Postgres

extension SubscriptionLedger {
    /// Stores a fact and the standing that follows from it, in one transaction.
    ///
    /// - Parameter now: The present time; nil for the database's clock.
    /// - Returns: The change, and whether the fact is new. A known key stores nothing again.
    public func record(
        _ entry: FactEntry, of clinic: ClinicID, at now: UTCTime? = nil
    ) async throws(LedgerError) -> (change: StandingChange, isNew: Bool) {
        try await changing { connection in
            var record = try await Self.locked(clinic, at: now, on: connection)
            guard record.hasSubscription else { throw LedgerError.noSubscription(clinic) }
            if let at = entry.at, at > record.now {
                throw LedgerError.outOfRange("\(at) has not come yet; tell what has happened")
            }
            let isNew = try await Self.store(entry, of: clinic, at: record.now, on: connection)
            record.facts = try await Self.facts(of: clinic, at: record.now, on: connection)
            return (try await Self.apply(record, on: connection), isNew)
        }
    }

    /// Starts a new subscription. Everything before it is history, open amounts included.
    public func subscribe(
        _ clinic: ClinicID, _ new: NewSubscription, reason: String, key: String,
        at time: UTCTime? = nil
    ) async throws(LedgerError) -> StandingChange {
        try await changing { connection in
            let record = try await Self.locked(clinic, at: time, on: connection)
            let plan = try await NamedPlan.named(new.plan, on: connection)
            let now = record.now
            let trialDays = try new.trialDays ?? plan.schedule().trialDays
            let trialUntil = trialDays > 0 ? now.adding(days: trialDays) : nil
            let fact = FactEntry(
                .subscribed(trialUntil: trialUntil, awaitsPayment: new.awaitsPayment),
                reason: reason, key: key)
            guard try await Self.store(fact, of: clinic, at: now, on: connection) else {
                return StandingChange(repeating: record)
            }
            return try await Self.start(new, plan, record, on: connection)
        }
    }

    private static func start(
        _ new: NewSubscription, _ plan: NamedPlan, _ record: StandingRecord,
        on connection: PostgresConnection
    ) async throws -> StandingChange {
        let facts = try await facts(of: record.clinic, at: record.now, on: connection)
        let lastMoment = UTCTime(microseconds: (new.lastDay + 1) * 86_400_000_000)
        let step = Standing.after(
            facts.map(\.fact), terms: SubscriptionTerms(end: lastMoment, renews: new.renews),
            entered: record.standing, schedule: try plan.schedule(), now: record.now)
        let event = try await connection.query(
            SQL.subscriptionWrite,
            [
                .clinic(record.clinic), .int64(plan.id), .date(Int32(clamping: new.firstDay)),
                .date(Int32(clamping: new.lastDay)), .bool(new.renews),
                .text(step.standing.status.rawValue), .text(step.standing.cause.rawValue),
                .time(step.standing.since), .time(step.next),
            ]
        ).first?.optionalInt64("event")
        return StandingChange(
            before: record.standing, after: step.standing, event: event, notice: nil,
            unpaidSince: nil, next: step.next)
    }

    /// False when the key is known already.
    private static func store(
        _ entry: FactEntry, of clinic: ClinicID, at now: UTCTime, on connection: PostgresConnection
    ) async throws -> Bool {
        guard (1...500).contains(entry.reason.count), (1...200).contains(entry.key.count) else {
            throw LedgerError.outOfRange(
                "a reason has 1 to 500 characters, an idempotency key 1 to 200")
        }
        let columns = entry.kind.columns
        if let invoice = columns.invoice, !(1...200).contains(invoice.count) {
            throw LedgerError.outOfRange("an invoice has 1 to 200 characters")
        }
        let at = entry.at ?? now
        // What is canceled for a day that is over ends now.
        let until = columns.kind == "canceled" ? columns.until.map { max($0, at) } : columns.until
        let row = try await connection.query(
            SQL.factRecord,
            [
                .clinic(clinic), .text(columns.kind), .time(at), .time(until),
                .text(orNull: columns.invoice), .bool(columns.awaitsPayment), .text(entry.reason),
                .text(entry.key),
            ]
        ).first
        return try row?.bool("is_new") ?? false
    }
}

extension SubscriptionFact.Kind {
    fileprivate struct Columns {
        let kind: String
        var until: UTCTime?
        var invoice: String?
        var awaitsPayment = false
    }

    fileprivate var columns: Columns {
        switch self {
        case .subscribed(let trialUntil, let awaitsPayment):
            Columns(kind: "subscribed", until: trialUntil, awaitsPayment: awaitsPayment)
        case .declared: Columns(kind: "declared")
        case .charged(let invoice, let due):
            Columns(kind: "charged", until: due, invoice: invoice)
        case .paymentFailed(let invoice): Columns(kind: "payment_failed", invoice: invoice)
        case .paid(let invoice): Columns(kind: "paid", invoice: invoice)
        case .reopened(let invoice): Columns(kind: "reopened", invoice: invoice)
        case .held(let until): Columns(kind: "held", until: until)
        case .released: Columns(kind: "released")
        case .canceled(let effective): Columns(kind: "canceled", until: effective)
        case .cancelWithdrawn: Columns(kind: "cancel_withdrawn")
        }
    }
}
