import Ledger
import Postgres

/// A login without the role, which only this program can name.
struct MissingRights: Error, CustomStringConvertible {
    /// nil for errors that need no explanation.
    init?(_ error: any Error) {
        guard case LedgerError.store(.server(let server)) = error, server.sqlState.isPermission
        else { return nil }
    }

    var description: String {
        "this login lacks the role billing_admin; as the owner run: GRANT billing_admin TO <login>"
    }
}
