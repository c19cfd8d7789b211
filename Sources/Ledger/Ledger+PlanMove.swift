public import Billing
public import Metering
import Postgres
import Quotas

/// A plan by name, as far as subscriptions need it.
struct NamedPlan {
    let id: Int64
    let name: String
    let maxUsers: Int64
    let maxPatients: Int64
    let features: String?

    static func named(_ name: String, on connection: PostgresConnection) async throws -> NamedPlan {
        let rows = try await connection.query(SQL.planByName, [.text(name)])
        guard let row = rows.first else { throw LedgerError.unknownPlan(name) }
        if rows.count == 2, try rows[1].bool("is_named") { throw LedgerError.ambiguousPlan(name) }
        return try NamedPlan(row)
    }

    private init(_ row: PostgresRow) throws {
        id = try row.int64("plan_id")
        name = try row.text("name")
        maxUsers = try row.int64("max_users")
        maxPatients = try row.int64("max_patients")
        features = try row.optionalText("features")
    }

    func schedule() throws -> DunningSchedule {
        do throws(PlanError) {
            return try PlanTerms(json: features).standing
        } catch {
            throw LedgerError.outOfRange("plan \(name.debugDescription): \(error)")
        }
    }
}

/// What a move to another plan would mean, or did.
public struct PlanMove: Hashable, Sendable {
    /// nil for a clinic whose subscription has no plan.
    public let from: String?
    public let to: String
    public let comparison: PlanComparison
    public let effectiveAt: UTCTime
    /// Whether it happens at once.
    public let isAtOnce: Bool
}

/// When a clinic moves to another plan.
public enum PlanMoveTime: Hashable, Sendable {
    /// At once when nothing becomes less, else with the next month.
    case whenFair
    case now
    case nextMonth
}

extension Ledger {
    /// What a move would mean. Changes nothing.
    public func previewPlanChange(
        of clinic: ClinicID, to plan: String, _ time: PlanMoveTime = .whenFair
    ) async throws(LedgerError) -> PlanMove {
        try await stored {
            try await pool.withConnection { connection in
                try await Self.preview(clinic, plan, time, on: connection).change
            }
        }
    }

    /// Moves a clinic to another plan, now or with the next month; a move that waited is dropped.
    public func changePlan(
        of clinic: ClinicID, to plan: String, _ time: PlanMoveTime = .whenFair, reason: String
    ) async throws(LedgerError) -> PlanMove {
        guard (1...500).contains(reason.count) else {
            throw .outOfRange("a reason has 1 to 500 characters")
        }
        return try await changing { connection in
            // Whether it becomes less is asked of the plan that the clinic has when its turn comes.
            _ = try await connection.query(SQL.standingLock, [.clinic(clinic)])
            let (change, id) = try await Self.preview(clinic, plan, time, on: connection)
            _ = try await connection.query(
                SQL.planChangeAsk,
                [.clinic(clinic), .int64(id), .time(change.effectiveAt), .text(reason)])
            return change
        }
    }

    /// The move that a clinic waits for.
    public func waitingPlanChange(
        of clinic: ClinicID
    ) async throws(LedgerError) -> (plan: String, at: UTCTime)? {
        try await stored {
            guard let row = try await pool.query(SQL.planChangeWaiting, [.clinic(clinic)]).first
            else { return nil }
            return (try row.text("plan"), try row.time("effective_at"))
        }
    }

    private static func preview(
        _ clinic: ClinicID, _ plan: String, _ time: PlanMoveTime,
        on connection: PostgresConnection
    ) async throws -> (change: PlanMove, plan: Int64) {
        guard let row = try await connection.query(SQL.planUse, [.clinic(clinic)]).first else {
            throw LedgerError.noSubscription(clinic)
        }
        let wanted = try await NamedPlan.named(plan, on: connection)
        let comparison = try compare(row, with: wanted)
        guard let clock = try await connection.query(SQL.databaseTime).first,
            let now = UTCTime(microseconds: try clock.timestamp("now")),
            let month = Month(containing: now.microseconds),
            let nextMonth = UTCTime(microseconds: month.end)
        else { throw LedgerError.corrupt("a clock outside 1970…9999") }
        let waits = time == .nextMonth || (time == .whenFair && comparison.isDowngrade)
        let change = PlanMove(
            from: try row.optionalText("name"), to: wanted.name, comparison: comparison,
            effectiveAt: waits ? nextMonth : now, isAtOnce: !waits)
        return (change, wanted.id)
    }

    private static func compare(
        _ row: PostgresRow, with plan: NamedPlan
    ) throws -> PlanComparison {
        let hasPlan = try !row.isNull("plan_id")
        let old = try? PlanFeatures(json: try row.optionalText("features"))
        let new: PlanFeatures
        do throws(PlanError) {
            new = try PlanFeatures(json: plan.features)
        } catch {
            throw LedgerError.outOfRange("plan \(plan.name.debugDescription): \(error)")
        }
        func line(
            _ measure: PlanComparison.Measure, before: Int64?, after: Int64?
        ) throws -> PlanComparison.Line {
            PlanComparison.Line(
                measure: measure, used: try row.int64(.name(measure.rawValue)),
                before: hasPlan ? Allowance(stored: before ?? -1) ?? .unlimited : .none,
                after: Allowance(stored: after ?? -1) ?? .unlimited)
        }
        return PlanComparison([
            try line(.users, before: try row.optionalInt64("max_users"), after: plan.maxUsers),
            try line(
                .patients, before: try row.optionalInt64("max_patients"), after: plan.maxPatients),
            try line(.storage, before: old?.storageBytes, after: new.storageBytes),
            try line(.apiCalls, before: old?.quota, after: new.quota),
        ])
    }
}
