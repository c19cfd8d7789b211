import Ledger
import Postgres

/// A login without the role, which only this program can name.
struct MissingRights: Error, CustomStringConvertible {
    /// nil for all that explains itself.
    init?(_ error: any Error) {
        guard case LedgerError.store(.server(let server)) = error, server.sqlState.isPermission
        else { return nil }
    }

    var description: String {
        "this login may not do that; as the owner run: GRANT billing_admin TO <login>"
    }
}
