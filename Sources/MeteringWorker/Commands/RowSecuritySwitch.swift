import Ledger
import Shell

/// `migrate --rls` and `--force-rls`: lists logins that would see no rows, asks, then switches row
/// security on.
struct RowSecuritySwitch {
    let migrator: Migrator
    let agreement: Agreement

    func run(forced: Bool) async throws {
        for table in try await migrator.tablesWithoutClinic() {
            MigrateCommand.note(
                "public.\(table) has no clinic_id with a policy: it is unchanged")
        }
        var steps: [ConnectingRoleStep] = [.rowSecurity]
        if forced { steps.append(.forcedRowSecurity) }
        guard try await hasWork(steps) else {
            try Console.write(
                "row security is \(forced ? "forced" : "on") already, nothing to switch\n")
            return
        }
        try await list(forced: forced)
        let consequence = forced ? "; COPY FROM and pg_dump of the owners stop" : ""
        try agreement.require("Switch row security on\(consequence)")
        for step in steps { _ = try await migrator.run(step, progress: MigrateCommand.note) }
        try Console.write("row security is \(forced ? "forced" : "on") now\n")
    }

    /// Prints the logins that would see no rows.
    func list(forced: Bool) async throws {
        let blind = try await migrator.blindLogins(forced: forced)
        for login in blind {
            try Console.write("\(login.login) would see no row of \(login.tables)\n")
        }
        try Console.write(
            blind.isEmpty
                ? "no other login would see fewer rows\n"
                : "remedy: GRANT clinic_app TO the login, which then names its clinic in "
                    + "app.current_clinic_id, or CREATE POLICY … TO the login\n")
    }

    private func hasWork(_ steps: [ConnectingRoleStep]) async throws -> Bool {
        for step in steps where try await !migrator.preview(step).isEmpty { return true }
        return false
    }
}
