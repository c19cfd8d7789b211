import Billing
public import Metering
import Postgres

/// Subscriptions: the facts about them, the standing that follows, and the outbox that announces
/// it.
public struct SubscriptionLedger: LedgerFacet {
    let pool: PostgresPool

    /// Everything that a clinic's standing is computed from.
    public func standing(of clinic: ClinicID) async throws(LedgerError) -> StandingRecord {
        try await stored {
            try await pool.withConnection { connection in
                try await Self.record(of: clinic, at: nil, on: connection)
            }
        }
    }

    /// The latest moves of a clinic, newest first.
    public func moves(
        of clinic: ClinicID, most: Int = 20
    ) async throws(LedgerError) -> [StandingMove] {
        try await stored {
            try await pool.query(SQL.standingEvents, [.clinic(clinic), .count(most)])
                .map(StandingMove.init)
        }
    }

    /// Computes a clinic's standing from its facts and stores what changed: the status, an event, a
    /// line of the audit log and a message, all or nothing. Repeating it changes nothing.
    ///
    /// - Parameters:
    ///   - time: The time to evaluate at, never ahead of the database's clock; nil for that clock.
    ///   - isPassing: Gives up after half a second when another session holds the clinic's rows.
    /// - Returns: nil for a clinic without a subscription.
    @discardableResult
    public func evaluate(
        _ clinic: ClinicID, at time: UTCTime? = nil, isPassing: Bool = false
    ) async throws(LedgerError) -> StandingChange? {
        try await changing { connection in
            if isPassing { try await connection.execute(SQL.migrationLockTimeout) }
            let record = try await Self.locked(clinic, at: time, on: connection)
            guard record.hasSubscription else { return nil }
            return try await Self.apply(record, on: connection)
        }
    }

    /// Carries out plan changes whose day has come, and evaluates every standing that is due, each
    /// on its own: one that fails is deferred and noted, and delays no other.
    ///
    /// - Returns: How many clinics moved or got a notice.
    @discardableResult
    public func evaluateDue() async throws(LedgerError) -> Int {
        var changed = 0
        let changes = try await stored {
            try await pool.query(SQL.planChangesDue, [.count(Self.dueAtOnce)])
                .map { try $0.int64("id") }
        }
        for change in changes {
            let isDone = try await puttingOff(SQL.planChangeDefer, .int64(change)) {
                try await changing { connection in
                    try await connection.execute(SQL.migrationLockTimeout)
                    return try await connection.query(SQL.planChangeApply, [.int64(change)])
                        .first?.bool("applied") ?? false
                }
            }
            if isDone == true { changed += 1 }
        }
        let due = try await stored {
            try await pool.query(SQL.standingDue, [.count(Self.dueAtOnce)])
                .map { try $0.clinic("clinic_id") }
        }
        for clinic in due {
            let change = try await puttingOff(SQL.standingDefer, .clinic(clinic)) {
                try await evaluate(clinic, isPassing: true)
            }
            if let change, change?.event != nil || change?.notice != nil { changed += 1 }
        }
        return changed
    }

    /// nil when it failed and is noted. Throws when the database cannot be reached.
    private func puttingOff<R>(
        _ putOff: PostgresStatement, _ key: PostgresValue, _ body: () async throws -> R
    ) async throws(LedgerError) -> R? {
        do {
            return try await stored(body)
        } catch {
            let isLocked: Bool
            switch error {
            case .store(.server(let refusal)) where refusal.sqlState == "55P03": isLocked = true
            case .store(let cause) where cause.remedy == .retry: throw error
            default: isLocked = false
            }
            // The session that holds the row would block the note too; the next run comes soon.
            guard !isLocked else { return nil }
            _ = try? await pool.query(putOff, [key, .text("\(error)")])
            return nil
        }
    }

    private static let dueAtOnce = 200
}

// MARK: One evaluation

extension SubscriptionLedger {
    /// Most facts of one subscription. A clinic with more has a program that records facts in a
    /// loop.
    static let factsMax = 10_000

    static func locked(
        _ clinic: ClinicID, at time: UTCTime?, on connection: PostgresConnection
    ) async throws -> StandingRecord {
        _ = try await connection.query(SQL.standingLock, [.clinic(clinic)])
        return try await record(of: clinic, at: time, on: connection)
    }

    static func record(
        of clinic: ClinicID, at time: UTCTime?, on connection: PostgresConnection
    ) async throws -> StandingRecord {
        guard let row = try await connection.query(SQL.standingRow, [.clinic(clinic)]).first,
            try row.bool("has_clinic")
        else { throw LedgerError.unknownClinic(clinic.description) }
        var record = try StandingRecord(row, clinic: clinic, at: time)
        record.facts = try await facts(of: clinic, at: record.now, on: connection)
        return record
    }

    static func facts(
        of clinic: ClinicID, at now: UTCTime, on connection: PostgresConnection
    ) async throws -> [StoredFact] {
        let rows = try await connection.query(
            SQL.standingFacts, [.clinic(clinic), .time(now), .count(factsMax + 1)])
        guard rows.count <= factsMax else {
            throw LedgerError.corrupt("more than \(factsMax) facts of one subscription")
        }
        return try rows.map(StoredFact.init)
    }

    static func apply(
        _ record: StandingRecord, on connection: PostgresConnection
    ) async throws -> StandingChange {
        let step = record.step()
        let (clinic, standing) = (PostgresValue.clinic(record.clinic), step.standing)
        let event = try await connection.query(
            SQL.standingApply,
            [
                clinic, .text(standing.status.rawValue), .text(standing.cause.rawValue),
                .time(standing.since), .time(step.unpaidSince), .time(step.next),
            ]
        ).first?.optionalInt64("event")
        let notice = try await give(step, of: record, on: connection)
        return StandingChange(
            before: record.standing, after: standing, event: event, notice: notice,
            unpaidSince: step.unpaidSince, next: step.next)
    }

    /// The day of the notice when it is a new one.
    private static func give(
        _ step: StandingStep, of record: StandingRecord, on connection: PostgresConnection
    ) async throws -> Int64? {
        guard let day = step.notice, let since = step.unpaidSince else { return nil }
        let given = try await connection.query(
            SQL.noticeQueue,
            [
                .clinic(record.clinic), .time(since), .int64(day),
                .time(since.adding(days: record.schedule.suspendAfterDays)),
                .time(since.adding(days: record.schedule.cancelAfterDays)),
            ]
        ).first?.bool("given")
        return given == true ? day : nil
    }
}
