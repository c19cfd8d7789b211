public import Billing
public import Metering
import Postgres
import Quotas

extension Ledger {
    /// Hands out one row for each clinic of a month, by subdomain, then id, in constant memory.
    ///
    /// Usage is read from api_usage only. What `body` throws ends the report and is passed on.
    /// - Parameter clinic: Only this one; nil for all that existed in the month.
    public func report(
        _ month: Month, clinic: ClinicID? = nil, _ body: (ReportRow) async throws -> Void
    ) async throws {
        var plans = PlanAllowances()
        do {
            try await pool.withConnection { connection in
                let only = clinic.map(PostgresValue.clinic) ?? .null
                let rows = connection.stream(
                    SQL.reportRows, [.month(month), only], timeout: .seconds(120))
                for try await row in rows {
                    try await body(try ReportRow(row, month: month, plans: &plans))
                }
            }
        } catch let error as PostgresError {
            throw LedgerError.store(error)
        }
    }

    /// How old the usage of a month is.
    public func reportAge(of month: Month) async throws(LedgerError) -> ReportAge {
        try await stored {
            guard let row = try await pool.query(SQL.reportAge, [.month(month)]).first,
                let madeAt = UTCTime(microseconds: try row.timestamp("made_at"))
            else { throw LedgerError.corrupt("a clock outside 1970…9999") }
            let asOf = try row.optionalTimestamp("as_of").flatMap(UTCTime.init(microseconds:))
            return ReportAge(asOf: asOf, madeAt: madeAt)
        }
    }
}

/// What the plans of a report include, each read once.
struct PlanAllowances {
    struct Included {
        let apiCalls: Allowance
        let storage: Allowance
    }

    private var known: [Int64: Included] = [:]

    /// What the plan of a row includes; nothing without one.
    mutating func included(_ row: PostgresRow) throws -> Included {
        guard let plan = try row.optionalInt64("plan_id") else {
            return Included(apiCalls: .none, storage: .none)
        }
        if let included = known[plan] { return included }
        let text = try row.optionalText("features")
        // One plan that nobody can read must not cost the report of all clinics: what it includes
        // stays empty. Checks of its clinics say what is wrong with it.
        let features = try? PlanFeatures(json: text)
        let included = Included(
            apiCalls: features.map { $0.quota.map(Allowance.limited) ?? .unlimited } ?? .none,
            storage: features.map { $0.storageBytes.map(Allowance.limited) ?? .unlimited } ?? .none)
        known[plan] = included
        return included
    }
}

extension ReportRow {
    fileprivate init(_ row: PostgresRow, month: Month, plans: inout PlanAllowances) throws {
        let included = try plans.included(row)
        self.init(
            month: month, clinic: try row.clinic("clinic_id"),
            subdomain: try row.optionalText("subdomain"), name: try row.text("name"),
            plan: try row.optionalText("plan"),
            paymentStatus: try row.paymentStatus("payment_status"),
            users: try row.int64("users"), maxUsers: try row.allowance("max_users"),
            patients: try row.int64("patients"), maxPatients: try row.allowance("max_patients"),
            apiCalls: try row.int64("api_calls"), apiCallsIncluded: included.apiCalls,
            storageUsed: try row.int64("storage_used"), storageIncluded: included.storage)
    }
}

extension PostgresFields {
    fileprivate func allowance(_ column: PostgresColumn) throws -> Allowance {
        guard let allowance = Allowance(stored: try optionalInt64(column)) else {
            throw LedgerError.corrupt("a limit below −1")
        }
        return allowance
    }
}
