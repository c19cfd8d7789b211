import Ledger
import Postgres
import Values

/// PostgreSQL refused a right: what the login lacks, or else what PostgreSQL said.
struct MissingRights: Error, CustomStringConvertible {
    let description: String

    /// nil for errors that need no explanation.
    init?(_ error: any Error, on ledger: Ledger) async {
        guard case LedgerError.store(.server(let server)) = error, server.sqlState.isPermission
        else { return nil }
        guard !server.sqlState.isAuthentication else { return nil }
        let roles = try? await ledger.operations.rolesOfBilling()
        switch (roles?.isAdmin, roles?.isViewer) {
        case (true?, _):
            // The role is there, so something else is missing, and only PostgreSQL knows what.
            description =
                "PostgreSQL refused it although this login has the role billing_admin "
                + "(\(server.sqlState)): \(TerminalText.quoted(server.unsafeMessage))"
        case (_, true?):
            description =
                "this login has the role billing_viewer, which only reads; as the owner run: "
                + "GRANT billing_admin TO <login>, or use the login of an administrator"
        default:
            description =
                "this login lacks the role billing_admin; as the owner run: GRANT billing_admin "
                + "TO <login> (or GRANT billing_viewer, which only reads)"
        }
    }
}
