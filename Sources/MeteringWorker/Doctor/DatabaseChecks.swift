import Ledger
import Metering
import Postgres
import Shell
import Values

// Checks of a PostgreSQL, its logins and its roles.
extension DoctorCheck {
    static func server(_ session: SessionFacts) -> DoctorCheck {
        let (major, minor) = (session.serverVersion / 10_000, session.serverVersion % 10_000)
        guard major >= 15 else {
            return .fail(
                "postgresql", "PostgreSQL \(major).\(minor)",
                remedy: "upgrade to PostgreSQL 15 or later")
        }
        return .ok("postgresql", "PostgreSQL \(major).\(minor)")
    }

    static func databaseUnavailable(_ error: LedgerError) -> DoctorCheck {
        let remedy =
            switch error {
            case .store(.authentication):
                "check the user and the password in DATABASE_URL, or in ~/.pgpass"
            default: "check that PostgreSQL runs and that DATABASE_URL is right"
            }
        return .fail("postgresql", Console.oneLine("\(error)"), remedy: remedy)
    }

    static func databaseAddress(_ problem: String) -> DoctorCheck {
        .fail(
            "postgresql", "DATABASE_URL: \(Console.oneLine(problem))",
            remedy: "set DATABASE_URL=postgresql://user@host/database")
    }

    static func pooler(_ session: SessionFacts, _ prepared: PreparedStatements) -> DoctorCheck {
        let isSwitched = Set(session.seen).count > 1
        guard isSwitched || session.seen.contains(where: { $0 != session.promised }) else {
            return .ok("pooler", "DATABASE_URL leads straight to the server")
        }
        let found =
            isSwitched
            ? "a pooler in transaction mode is in between"
            : "a pooler is in between"
        guard prepared == .always else {
            return .ok("pooler", "\(found); statements are not prepared")
        }
        return .warn(
            "pooler", "\(found); unless it moves prepared statements along, calls fail",
            remedy: "METERING_PREPARED_STATEMENTS=auto, or a direct connection in DATABASE_URL")
    }

    /// - Parameter problem: nil for a login without rights that the worker must not have.
    static func login(_ problem: LedgerError?) -> DoctorCheck {
        switch problem {
        case nil: .ok("login", "it can neither bypass row security nor change the schema")
        case .unsafeRole(let login, let role):
            .fail(
                "login", "\(TerminalText.quoted(login)) \(role)",
                remedy:
                    "CREATE ROLE … LOGIN, GRANT metering_worker TO it, and name it in DATABASE_URL")
        case .missingGrant(let login):
            .fail(
                "login", "\(TerminalText.quoted(login)) is not a member of metering_worker",
                remedy: "GRANT metering_worker TO \(TerminalText.quoted(login))")
        case .some(let error): unread("login", error)
        }
    }

    static func roles(_ roles: [RoleFacts]) -> DoctorCheck {
        let missing = roles.filter { !$0.isThere }.map(\.name)
        guard missing.isEmpty else {
            return .fail(
                "roles", "there is no role \(missing.joined(separator: ", "))",
                remedy: "metering-worker migrate")
        }
        // A login that reads is enough where no person administers from here.
        let hasReader = roles.contains { $0.name == "billing_viewer" && !$0.logins.isEmpty }
        let wanted = ["metering_worker"] + (hasReader ? [] : ["billing_admin"])
        let unused = roles.filter { wanted.contains($0.name) && $0.logins.isEmpty }.map(\.name)
        guard unused.isEmpty else {
            return .warn(
                "roles", "no login has \(unused.joined(separator: " or "))",
                remedy: unused.map { "GRANT \($0) TO its login" }.joined(separator: "; "))
        }
        let held = roles.filter { !$0.logins.isEmpty }.map { role in
            "\(role.name) held by \(role.logins.map(TerminalText.quoted).joined(separator: ", "))"
        }
        return .ok("roles", "all there; \(held.joined(separator: "; "))")
    }

    static func migrations(_ state: MigrationState) -> DoctorCheck {
        if let problem = state.problem {
            let remedy =
                switch problem {
                case .newerDatabase: "use the program that migrated it, or a newer one"
                case .otherSchema:
                    "create a new database, or follow \"Detaching\" in docs/attach.md and migrate"
                default:
                    "use an unchanged release of this program; call for help before anything else"
                }
            return .fail("migrations", Console.oneLine("\(problem)"), remedy: remedy)
        }
        guard let next = state.pending.first else {
            guard state.triggers.isEmpty else {
                return .fail(
                    "migrations",
                    Console.oneLine(
                        "version \(state.found); triggers are missing, disabled or different: "
                            + state.triggers.joined(separator: "; ")),
                    remedy: "metering-worker migrate")
            }
            return .ok(
                "migrations",
                "version \(state.found); files, functions and triggers are this program's")
        }
        let more = state.pending.count > 1 ? " and \(state.pending.count - 1) more" : ""
        return .fail(
            "migrations",
            "version \(state.found), needed \(state.needed): \(next)\(more) to apply, so the "
                + "stored data was not checked",
            remedy: "metering-worker migrate")
    }

    static func installation(_ installation: Installation) -> DoctorCheck {
        let found = "\(installation.kind), metered since \(installation.since.rfc3339)"
        guard installation.countsInInt else { return .ok("installation", found) }
        return .warn(
            "installation", "\(found); api_usage.api_calls is INT and ends at 2147483647",
            remedy: "metering-worker migrate --rewrite, at a quiet hour: it locks the table")
    }

    static func rowSecurity(_ tables: [OpenTable]) -> DoctorCheck {
        guard !tables.isEmpty else { return .ok("row-security", "on, for every table of clinics") }
        let ours = tables.filter(\.isOurs)
        guard ours.isEmpty else {
            return .fail(
                "row-security", "off for \(list(ours.map(\.name)))",
                remedy: "ENABLE ROW LEVEL SECURITY for each, as metering_owner")
        }
        let ready = tables.filter(\.hasPolicy)
        guard !ready.isEmpty else {
            return .warn(
                "row-security",
                "off for \(list(tables.map(\.name))), which have no clinic_id with a policy",
                remedy:
                    "give them a clinic_id and a policy for clinic_app, then ENABLE ROW LEVEL "
                    + "SECURITY"
            )
        }
        return .warn(
            "row-security", "off for \(list(tables.map(\.name)))",
            remedy: "metering-worker migrate --rls, which lists first who would see nothing")
    }

    /// - Parameters:
    ///   - now: Logins that row security hides rows from as it is.
    ///   - later: Logins that it would hide more from if it were on for every table.
    static func blindLogins(
        _ now: [Migrator.BlindLogin], later: [Migrator.BlindLogin] = []
    ) -> DoctorCheck {
        let found =
            now.map { "\(TerminalText.quoted($0.login)) sees no row of \($0.tables)" }
            + later.map {
                "\(TerminalText.quoted($0.login)) would see no row of \($0.tables) with it on"
            }
        guard !found.isEmpty else {
            return .ok("blind-logins", "row security leaves no login with rights without rows")
        }
        let more = found.count > 5 ? "; and \(found.count - 5) more" : ""
        return .warn(
            "blind-logins", found.prefix(5).joined(separator: "; ") + more,
            remedy:
                "GRANT clinic_app TO the login, which then names its clinic in "
                + "app.current_clinic_id; or CREATE POLICY … TO the login")
    }

    /// A check whose facts PostgreSQL did not return.
    static func unread(_ name: String, _ error: any Error) -> DoctorCheck {
        let remedy =
            switch error {
            case LedgerError.store(.server(let refusal)) where refusal.sqlState.isPermission,
                MigrationError.store(.server(let refusal)) where refusal.sqlState.isPermission:
                "GRANT metering_worker TO the login of DATABASE_URL"
            default: "run doctor again, and see the log of PostgreSQL"
            }
        return .fail(name, "could not be read: \(Console.oneLine("\(error)"))", remedy: remedy)
    }

    private static func list(_ names: [String]) -> String {
        names.prefix(5).map(TerminalText.quoted).joined(separator: ", ")
            + (names.count > 5 ? " and \(names.count - 5) more" : "")
    }
}
