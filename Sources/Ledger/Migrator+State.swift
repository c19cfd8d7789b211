import Postgres

/// How a database stands against this program's migrations.
public struct MigrationState: Hashable, Sendable {
    /// The newest version applied; 0 when none is.
    public let found: Int64
    public let needed: Int64
    /// The files, functions and views that `apply` would run, and the groups of triggers whose
    /// tables it would take over for the first time.
    public let pending: [String]
    /// The triggers that differ from this program's, those of one table in each text.
    public let triggers: [String]
    /// Why `apply` would refuse; nil when it would not.
    public let problem: MigrationError?

    public init(
        found: Int64, needed: Int64, pending: [String], triggers: [String] = [],
        problem: MigrationError?
    ) {
        (self.found, self.needed) = (found, needed)
        (self.pending, self.triggers, self.problem) = (pending, triggers, problem)
    }

    /// Whether this program knows what metering keeps there, whatever the triggers are.
    public var isCurrent: Bool { found == needed && pending.isEmpty && problem == nil }
}

extension Migrator {
    /// Compares without asking for the rights that applying needs, so that the worker's login can.
    /// Changes nothing.
    public func state() async throws(MigrationError) -> MigrationState {
        try await migrating { connection in
            guard let row = try await connection.query(SQL.schemaState).first else {
                throw MigrationError.missingRight("the catalog cannot be read")
            }
            let hasRecord = try row.bool("has_record")
            let applied = hasRecord ? try await applied(on: connection) : []
            let way = MigrationPlan.way(
                applied: applied, hasTables: try row.optionalText("existing_table") != nil)
            let known = try await known(way, on: connection)
            let state = Self.state(known, applied: applied)
            guard state.problem == nil else { return state }
            let functions = try await changedFunctions(on: connection, hasRecord: hasRecord)
            let pending = state.pending + functions.map { "\($0.file.name).sql" }
            // Before the last file they are not all there yet.
            guard state.pending.isEmpty else {
                return MigrationState(
                    found: state.found, needed: state.needed, pending: pending, problem: nil)
            }
            let groups = try await groupsToTakeOver(on: connection)
            let differences = try await triggerDifferences(on: connection).filter(\.isThere)
            return MigrationState(
                found: state.found, needed: state.needed,
                pending: pending + groups.map { "triggers of \($0.rawValue)" },
                triggers: differences.map { "\($0.triggers) on \($0.place)" }, problem: nil)
        }
    }

    /// The files alone.
    static func state(
        _ known: [MigrationPlan.Known], applied: [MigrationPlan.Applied]
    ) -> MigrationState {
        let found = applied.map(\.version).max() ?? 0
        let needed = known.last?.file.version ?? 0
        do throws(MigrationError) {
            let pending = try MigrationPlan.pending(known, applied: applied)
            return MigrationState(
                found: found, needed: needed, pending: pending.map(\.name), problem: nil)
        } catch {
            return MigrationState(found: found, needed: needed, pending: [], problem: error)
        }
    }
}
