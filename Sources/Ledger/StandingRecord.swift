public import Billing
public import Metering
import Postgres

/// Everything a standing is computed from, as one evaluation reads it.
public struct StandingRecord: Sendable {
    public let clinic: ClinicID
    /// The clock of the database when it was read.
    public let now: UTCTime
    /// nil for a clinic without a subscription, or with a word that nobody knows.
    public let standing: Standing?
    /// What `clinic_subscriptions.payment_status` says; nil without a subscription.
    public let storedWord: String?
    public let terms: SubscriptionTerms
    public let plan: String?
    public let schedule: DunningSchedule
    /// Why the plan's own schedule is not used.
    public let scheduleProblem: PlanError?
    public internal(set) var facts: [StoredFact] = []

    public var hasSubscription: Bool { storedWord != nil }

    /// The standing as the facts have it now.
    public func step(at time: UTCTime? = nil) -> StandingStep {
        Standing.after(
            facts.map(\.fact), terms: terms, entered: standing, schedule: schedule,
            now: time ?? now)
    }

    public var forecast: StandingForecast {
        StandingForecast(
            facts.map(\.fact), terms: terms, entered: standing, schedule: schedule, now: now)
    }
}

/// A fact as it is stored.
public struct StoredFact: Hashable, Sendable {
    public let id: Int64
    public let fact: SubscriptionFact
    /// As the column `kind` has it.
    public let kind: String
    public let reason: String
    public let recordedBy: String
}

/// A move from one status to another, as it is stored.
public struct StandingMove: Hashable, Sendable {
    public let event: Int64
    public let from: String?
    public let to: String
    public let cause: String
    public let at: UTCTime
    public let recordedBy: String
}

extension StandingRecord {
    init(_ row: PostgresRow, clinic: ClinicID, at time: UTCTime?) throws {
        self.clinic = clinic
        now = try time ?? row.time("now")
        standing = try row.standing()
        storedWord = try row.optionalText("payment_status")
        let lastDay = try row.optionalDate("end_date").map { Int64($0) + 1 }
        // An end beyond the calendar never comes.
        let end = lastDay.flatMap { day -> UTCTime? in
            let (instant, overflow) = day.multipliedReportingOverflow(by: 86_400_000_000)
            return overflow ? nil : UTCTime(microseconds: max(0, instant))
        }
        terms = SubscriptionTerms(end: end, renews: try row.bool("renews"))
        plan = try row.optionalText("plan")
        let features = try row.optionalText("features")
        do throws(PlanError) {
            schedule = try PlanTerms(json: features).standing
            scheduleProblem = nil
        } catch {
            (schedule, scheduleProblem) = (DunningSchedule(), error)
        }
    }
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

extension StandingMove {
    init(_ row: PostgresRow) throws {
        event = try row.int64("event_id")
        from = try row.optionalText("from_status")
        to = try row.text("to_status")
        cause = try row.text("cause")
        at = try row.time("at")
        recordedBy = try row.text("recorded_by")
    }
}

extension PostgresFields {
    func time(_ column: PostgresColumn) throws -> UTCTime {
        guard let time = UTCTime(microseconds: try timestamp(column)) else {
            throw LedgerError.corrupt("a time outside 1970…9999")
        }
        return time
    }

    func optionalTime(_ column: PostgresColumn) throws -> UTCTime? {
        guard let microseconds = try optionalTimestamp(column) else { return nil }
        guard let time = UTCTime(microseconds: microseconds) else {
            throw LedgerError.corrupt("a time outside 1970…9999")
        }
        return time
    }

    fileprivate func standing() throws -> Standing? {
        guard let word = try optionalText("status") else { return nil }
        guard let status = PaymentStatus(rawValue: word),
            let cause = Standing.Cause(rawValue: try text("cause"))
        else { throw LedgerError.corrupt("a standing of another version") }
        return Standing(status: status, since: try time("since"), cause: cause)
    }
}

extension PostgresValue {
    static func time(_ time: UTCTime) -> PostgresValue { .timestamp(time.microseconds) }
    static func time(_ time: UTCTime?) -> PostgresValue {
        time.map { .timestamp($0.microseconds) } ?? .null
    }
    static func text(orNull text: String?) -> PostgresValue {
        text.map(PostgresValue.text) ?? .null
    }
}
