public import Metering
import Postgres

extension Ledger {
    /// Begins the quota of a clinic's running month anew. What was counted stays: `api_usage` does not change.
    ///
    /// - Returns: Cost units that weigh against the quota no longer, as far as the ledger had them.
    public func resetQuota(
        of clinic: ClinicID, reason: String
    ) async throws(LedgerError) -> Int64 {
        try Self.require(reason: reason)
        return try await quotaChange {
            let rows = try await pool.query(SQL.quotaReset, [.clinic(clinic), .text(reason)])
            guard let units = try rows.first?.optionalInt64("units") else {
                throw LedgerError.unknownClinic("\(clinic)")
            }
            return units
        }
    }

    /// Gives units of a clinic's running month back, in `api_usage` and in its quota, once for each id.
    ///
    /// - Parameters:
    ///   - units: Cost units, 1 to 2^53 − 1, and no more than the month has.
    ///   - id: 1 to 100 characters; the caller's own name of this refund.
    /// - Returns: False when it was known already, and nothing changed.
    public func refundQuota(
        of clinic: ClinicID, units: Int64, id: String, reason: String
    ) async throws(LedgerError) -> Bool {
        try Self.require(reason: reason)
        guard (1...Self.countMax).contains(units) else {
            throw .outOfRange("a refund has 1 to 2^53 − 1 units")
        }
        guard (1...100).contains(id.unicodeScalars.count), !id.utf8.contains(0) else {
            throw .outOfRange("a refund's id has 1 to 100 characters")
        }
        return try await quotaChange {
            let rows = try await pool.query(
                SQL.quotaRefund, [.clinic(clinic), .int64(units), .text(id), .text(reason)])
            guard let row = rows.first, !(try row.isNull("new")) else {
                throw LedgerError.unknownClinic("\(clinic)")
            }
            return try row.bool("new")
        }
    }

    /// The two refusals of the functions are answers for a person.
    private func quotaChange<R>(
        _ body: () async throws -> R
    ) async throws(LedgerError) -> R {
        do throws(LedgerError) {
            return try await stored(body)
        } catch .store(.server(let refusal)) where refusal.sqlState == "BQ004" {
            throw .refused("the month has fewer units than are given back")
        } catch .store(.server(let refusal)) where refusal.sqlState.code == "23505" {
            throw .refused("a refund with this id is known, with other units")
        }
    }
}
