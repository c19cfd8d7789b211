import Metering
public import Postgres

/// What PostgreSQL remembers, in facets: `ledger.keys.find(hash:)`, `ledger.usage.rollUp(month)`.
///
/// Every write is a total or carries its own key, so repeating any of them changes nothing.
public struct Ledger: LedgerFacet {
    let pool: PostgresPool

    public init(pool: PostgresPool) { self.pool = pool }

    public var usage: UsageLedger { UsageLedger(pool: pool) }
    public var plans: PlanLedger { PlanLedger(pool: pool) }
    public var subscriptions: SubscriptionLedger { SubscriptionLedger(pool: pool) }
    public var keys: KeyLedger { KeyLedger(pool: pool) }
    public var limits: LimitLedger { LimitLedger(pool: pool) }
    public var clinics: ClinicLedger { ClinicLedger(pool: pool) }
    public var operations: OperationsLedger { OperationsLedger(pool: pool) }
    public var reports: ReportLedger { ReportLedger(pool: pool) }

    /// Refuses a login that could go around row security or change the schema, and a database of
    /// another version. A program calls it once, before it serves.
    public func requireLeastPrivilege() async throws(LedgerError) {
        try await requireSafeRole()
        try await requireSchema()
    }

    /// Refuses a database that is not at this program's version, or where `migrate` did not finish.
    public func requireSchema() async throws(LedgerError) {
        try await requireVersion()
        let functions = FunctionFile.all
        let unfinished = try await stored {
            try await pool.query(
                SQL.schemaUnfinished,
                [
                    .textArray(functions.map(\.name)), .textArray(functions.map(\.text)),
                    .textArray(TriggerGroup.allCases.map(\.rawValue)),
                ]
            ).first?.optionalText("unfinished")
        }
        if let unfinished { throw .unfinishedSchema(unfinished) }
    }

    private func requireVersion() async throws(LedgerError) {
        let needed = MigrationFile.all.last?.version ?? 0
        let found: Int64 = try await stored {
            guard try await pool.query(SQL.schemaState).first?.bool("has_record") == true else {
                return 0
            }
            let first = PostgresValue.text(MigrationFile.all.first?.text ?? "")
            guard let row = try await pool.query(SQL.schemaVersion, [first]).first else { return 0 }
            if let other = try row.optionalText("other") { throw LedgerError.otherSchema(other) }
            return try row.int64("version")
        }
        guard found == needed else { throw .schema(found: found, needed: needed) }
    }

    /// Refuses a login that could go around row security or change the schema.
    public func requireSafeRole() async throws(LedgerError) {
        try await stored {
            guard let row = try await pool.query(SQL.rolePrivileges).first else { return }
            let login = try row.text("login")
            if try row.bool("is_superuser") {
                throw LedgerError.unsafeRole(login: login, .superuser)
            }
            if try row.bool("bypasses_rls") {
                throw LedgerError.unsafeRole(login: login, .bypassesRowSecurity)
            }
            if try row.bool("creates_roles") {
                throw LedgerError.unsafeRole(login: login, .createsRoles)
            }
            if try row.bool("is_owner") || row.bool("owns_database") {
                throw LedgerError.unsafeRole(login: login, .owner)
            }
            if let relation = try row.optionalText("owned") {
                throw LedgerError.unsafeRole(login: login, .owns(relation))
            }
            // Before the first migration there is no role to be a member of; the version says so.
            guard try await pool.query(SQL.schemaState).first?.bool("has_schema") == true else {
                return
            }
            guard try row.bool("is_worker") else { throw LedgerError.missingGrant(login: login) }
        }
    }

    /// The highest count that Redis, whose numbers are doubles in Lua, holds exactly: 2^53 − 1.
    static let countMax: Int64 = 9_007_199_254_740_991
}
