import Metering
import Postgres
import Quotas

// MARK: Reading

/// Plans and their versions, the overrides of single clinics, and moves from plan to plan.
public struct PlanLedger: LedgerFacet {
    let pool: PostgresPool

    /// - Parameter name: nil for all.
    public func list(named name: String? = nil) async throws(LedgerError) -> [ListedPlan] {
        try await stored {
            try await pool.query(SQL.planList, [name.map(PostgresValue.text) ?? .null])
                .map(ListedPlan.init)
        }
    }

    /// The one plan of a name.
    public func find(named name: String) async throws(LedgerError) -> ListedPlan {
        let found = try await list(named: name)
        guard let plan = found.first else { throw .unknownPlan(name) }
        guard found.count == 1 else { throw .ambiguousPlan(name) }
        return plan
    }

    /// The newest first, at most 100.
    public func versions(of id: Int64) async throws(LedgerError) -> [PlanVersion] {
        try await stored {
            try await pool.query(SQL.planVersions, [.int64(id)]).map { row in
                PlanVersion(
                    number: try row.int64("version"),
                    effectiveFrom: try row.timestamp("effective_from"),
                    changedBy: try row.text("changed_by"), maxUsers: try row.int64("max_users"),
                    maxPatients: try row.int64("max_patients"),
                    quota: try row.optionalInt64("quota"),
                    problem: try row.optionalText("problem"))
            }
        }
    }

    /// Plans whose newest version cannot be used: the plan's id and what is wrong, by id.
    public func refused() async throws(LedgerError) -> [(plan: String, problem: String)] {
        try await stored {
            try await pool.query(SQL.plansRefused).map {
                (try $0.text("subject"), try $0.text("detail"))
            }
        }
    }
}

// MARK: Refusing

extension PlanLedger {
    /// Notes a version that this program cannot read; the one before it is used from now on.
    ///
    /// - Returns: Whether this is news: no program had refused the version before.
    @discardableResult
    func refuse(
        _ plan: Int64, version: Int64, because error: PlanError
    ) async throws(LedgerError) -> Bool {
        try await stored {
            let rows = try await pool.query(
                SQL.planRefuse,
                [
                    .int64(plan), .int64(version), .text(String("\(error)".prefix(500))),
                    .int64(PlanObject.languageVersion),
                ])
            return try rows.first?.bool("is_news") ?? false
        }
    }

    /// Makes versions that only older programs refused candidates again; returns how many.
    @discardableResult
    public func reconsider() async throws(LedgerError) -> Int64 {
        try await stored {
            let language = PostgresValue.int64(PlanObject.languageVersion)
            return try await pool.query(SQL.plansReconsider, [language]).first?.int64("versions")
                ?? 0
        }
    }
}

// MARK: Applying

extension PlanLedger {
    /// Creates plans, or changes those of the same name, all or none.
    ///
    /// Keys of `features` that a draft does not name stay as they are.
    /// - Parameter isDryRun: Changes nothing, and says what would change.
    public func apply(
        _ drafts: [PlanDraft], isDryRun: Bool
    ) async throws(LedgerError) -> [PlanChange] {
        try await stored {
            try await pool.transaction(.readCommitted) { connection in
                try await connection.execute(SQL.planNamesLock)
                var changes: [PlanChange] = []
                for draft in drafts {
                    changes.append(try await apply(draft, isDryRun: isDryRun, on: connection))
                }
                return changes
            }
        }
    }

    private func apply(
        _ draft: PlanDraft, isDryRun: Bool, on connection: PostgresConnection
    ) async throws -> PlanChange {
        let found = try await connection.query(
            SQL.planLock, [.text(draft.name), .text(draft.features.description)])
        guard found.count <= 1 else { throw LedgerError.ambiguousPlan(draft.name) }
        guard let row = found.first else {
            return try await create(draft, isDryRun: isDryRun, on: connection)
        }
        let id = try row.int64("plan_id")
        let before = (
            users: try row.int64("max_users"), patients: try row.int64("max_patients"),
            features: try row.text("features")
        )
        let differences = PlanChange.Difference.all(
            from: before, to: draft, merged: try row.text("merged"))
        var change = PlanChange(
            name: draft.name, isNew: false, version: try row.optionalInt64("version") ?? 0,
            differences: differences,
            reach: differences.isEmpty ? nil : try await reach(of: draft, id, on: connection))
        guard !differences.isEmpty, !isDryRun else { return change }
        try await connection.execute(
            SQL.planUpdate,
            [
                .int64(id), .int64(draft.maxUsers), .int64(draft.maxPatients),
                .text(draft.features.description),
            ], timeout: .seconds(120))
        change.version = try await newestVersion(of: id, on: connection)
        return change
    }

    private func create(
        _ draft: PlanDraft, isDryRun: Bool, on connection: PostgresConnection
    ) async throws -> PlanChange {
        var change = PlanChange(
            name: draft.name, isNew: true, version: 0, differences: [], reach: nil)
        guard !isDryRun else { return change }
        let rows = try await connection.query(
            SQL.planInsert,
            [
                .text(draft.name), .int64(draft.maxUsers), .int64(draft.maxPatients),
                .text(draft.features.description),
            ])
        if let id = try rows.first?.int64("plan_id") {
            change.version = try await newestVersion(of: id, on: connection)
        }
        return change
    }

    private func newestVersion(
        of plan: Int64, on connection: PostgresConnection
    ) async throws -> Int64 {
        try await connection.query(SQL.planNewestVersion, [.int64(plan)]).first?.int64("version")
            ?? 0
    }

    private func reach(
        of draft: PlanDraft, _ plan: Int64, on connection: PostgresConnection
    ) async throws -> PlanChange.Reach {
        let promised = (try? PlanFeatures(json: draft.metering?.description)) ?? .unlimited
        let rows = try await connection.query(
            SQL.planClinics,
            [
                .int64(plan), .int64(draft.maxUsers), .int64(draft.maxPatients),
                .int64(promised.storageBytes ?? -1), .int64(promised.quota ?? -1),
            ], timeout: .seconds(120))
        guard let row = rows.first else { throw LedgerError.corrupt("no count of clinics") }
        return PlanChange.Reach(
            clinics: try row.int64("clinics"), names: try row.textArray("names"),
            overUsers: try row.int64("over_users"), overPatients: try row.int64("over_patients"),
            overStorage: try row.int64("over_storage"), overQuota: try row.int64("over_quota"))
    }
}
