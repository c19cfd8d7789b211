import Billing
public import Metering
import Postgres
import Quotas

extension PlanLedger {
    /// What a move would mean. Changes nothing.
    public func previewMove(
        of clinic: ClinicID, to plan: String, _ time: PlanMoveTime = .whenFair
    ) async throws(LedgerError) -> PlanMove {
        try await stored {
            try await pool.withConnection { connection in
                try await Self.preview(clinic, plan, time, on: connection).change
            }
        }
    }

    /// Moves a clinic to another plan, now or with the next month; a move that waited is dropped.
    public func move(
        _ clinic: ClinicID, to plan: String, _ time: PlanMoveTime = .whenFair, reason: String
    ) async throws(LedgerError) -> PlanMove {
        guard (1...500).contains(reason.unicodeScalars.count) else {
            throw .outOfRange("a reason has 1 to 500 characters")
        }
        return try await changing { connection in
            // The move compares with the plan that the clinic has when its turn comes.
            _ = try await connection.query(SQL.standingLock, [.clinic(clinic)])
            let (change, id) = try await Self.preview(clinic, plan, time, on: connection)
            _ = try await connection.query(
                SQL.planChangeRequest,
                [.clinic(clinic), .int64(id), .time(change.effectiveAt), .text(reason)])
            return change
        }
    }

    /// The move that a clinic waits for.
    public func waitingMove(
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
