import Billing
import Metering
import Postgres

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
