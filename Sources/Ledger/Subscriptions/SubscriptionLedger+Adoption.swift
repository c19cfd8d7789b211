import Postgres

extension SubscriptionLedger {
    /// Translates old values of `payment_status` into the eight statuses, and adds the CHECK to the
    /// column. Changes nothing while an unknown value is left. Needs a login that owns the table.
    public func adoptStatuses(
        progress: (String) -> Void = { _ in }
    ) async throws -> StandingAdoption {
        let unknown = try await stored {
            try await pool.query(SQL.standingStatusesUnknown, [.count(100)]).map {
                StandingAdoption.UnknownStatus(
                    status: try $0.text("value"), clinics: try $0.int64("clinics"))
            }
        }
        guard unknown.isEmpty else { return .unknownStatuses(unknown) }
        let statements = try await Migrator(pool: pool).run(.adoptedStanding, progress: progress)
        return statements.isEmpty ? .wasDone : .done
    }
}
