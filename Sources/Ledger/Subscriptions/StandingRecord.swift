public import Billing
public import Metering
import Postgres

/// Everything a standing is computed from, as one evaluation reads it.
public struct StandingRecord: Sendable {
    public let clinic: ClinicID
    /// The clock of the database when it was read.
    public let now: UTCTime
    /// nil for a clinic without a subscription, or with a status that this version does not know.
    public let standing: Standing?
    /// What `clinic_subscriptions.payment_status` says; nil without a subscription.
    public let storedStatus: String?
    public let terms: SubscriptionTerms
    public let plan: String?
    public let schedule: DunningSchedule
    /// Why the plan's own schedule is not used.
    public let scheduleProblem: PlanError?
    public internal(set) var facts: [StoredFact] = []

    public var hasSubscription: Bool { storedStatus != nil }

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

extension StandingRecord {
    init(_ row: PostgresRow, clinic: ClinicID, at time: UTCTime?) throws {
        self.clinic = clinic
        now = try time ?? row.time("now")
        standing = try row.standing()
        storedStatus = try row.optionalText("payment_status")
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

extension PostgresFields {
    fileprivate func standing() throws -> Standing? {
        guard let word = try optionalText("status") else { return nil }
        guard let status = PaymentStatus(rawValue: word),
            let cause = Standing.Cause(rawValue: try text("cause"))
        else { throw LedgerError.corrupt("a standing of another version") }
        return Standing(status: status, since: try time("since"), cause: cause)
    }
}
