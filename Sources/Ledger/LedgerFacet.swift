import Postgres

/// One subject of the ledger. All facets share one pool, and fail with `LedgerError` alone.
protocol LedgerFacet: Sendable {
    var pool: PostgresPool { get }
}

extension LedgerFacet {
    /// Runs `body` and throws its failures as `LedgerError`.
    @discardableResult
    func stored<R>(_ body: () async throws -> R) async throws(LedgerError) -> R {
        do {
            return try await body()
        } catch let error as LedgerError {
            throw error
        } catch let error as PostgresError {
            throw .store(error)
        } catch {
            throw .store(.cancelled)
        }
    }

    /// Reads and writes in one transaction, and throws what metering's own functions refused in
    /// their words.
    func changing<R>(
        _ body: (PostgresConnection) async throws -> R
    ) async throws(LedgerError) -> R {
        do {
            return try await stored {
                try await pool.transaction(.readCommitted) { try await body($0) }
            }
        } catch .store(.server(let refusal)) where refusal.sqlState.code.hasPrefix("BQ") {
            // Metering's functions write these for this reader; they hold no values.
            let hint = refusal.unsafeHint.map { ": \($0)" } ?? ""
            throw .refused(refusal.unsafeMessage + hint)
        }
    }

    static func require(reason: String) throws(LedgerError) {
        guard (1...500).contains(reason.unicodeScalars.count), !reason.utf8.contains(0) else {
            throw .outOfRange("a reason has 1 to 500 characters")
        }
    }
}
