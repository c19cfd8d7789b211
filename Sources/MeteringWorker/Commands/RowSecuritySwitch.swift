import Ledger
import Shell

/// `migrate --rls` and `--force-rls`: lists logins that would see no rows, asks, then switches row
/// security on.
struct RowSecuritySwitch {
    let migrator: Migrator
    /// Whether `--yes` was given.
    let isAgreed: Bool

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
        let blind = try await migrator.blindLogins(forced: forced)
        for login in blind {
            try Console.write("\(login.login) would see no row of \(login.tables)\n")
        }
        if !blind.isEmpty {
            try Console.write(
                "remedy: GRANT clinic_app TO the login, which then names its clinic in "
                    + "app.current_clinic_id, or CREATE POLICY … TO the login\n")
        }
        guard try isAgreed || asks(forced: forced) else { throw NotAgreed() }
        for step in steps { _ = try await migrator.run(step, progress: MigrateCommand.note) }
        try Console.write("row security is \(forced ? "forced" : "on") now\n")
    }

    private func hasWork(_ steps: [ConnectingRoleStep]) async throws -> Bool {
        for step in steps where try await !migrator.preview(step).isEmpty { return true }
        return false
    }

    private func asks(forced: Bool) throws -> Bool {
        let consequence =
            forced ? "; COPY FROM and pg_dump of the owners stop" : ""
        guard let answer = Console.asks("Switch row security on\(consequence)?") else {
            throw NeedsYes()
        }
        return answer
    }
}

private struct NotAgreed: Error, CustomStringConvertible {
    var description: String { "row security is unchanged" }
}

private struct NeedsYes: Error, CustomStringConvertible {
    var description: String {
        "no terminal to ask on, so row security is unchanged: read the list, then add --yes"
    }
}
