public import Metering
import Postgres

/// What became of units that were to be given back.
public enum GivenBack: Hashable, Sendable {
    case written
    /// The key has given back these units before.
    case repeated(Int64)
    /// The month used no more than this.
    case moreThanUsed(Int64)
}

extension Ledger {
    /// Gives units of a month back, once for `key`, however long ago it was used first.
    ///
    /// - Parameters:
    ///   - units: Cost units, 1…1,000,000.
    ///   - key: 1 to 200 characters that name it among all adjustments.
    ///   - clamping: Whether a month that used less gives back what it used; otherwise it is refused.
    public func giveBack(
        _ units: Int64, to clinic: ClinicID, of month: Month, key: String, reason: String,
        clamping: Bool = false
    ) async throws(LedgerError) -> GivenBack {
        guard (1...1_000_000).contains(units), (1...200).contains(key.unicodeScalars.count) else {
            throw .outOfRange("units from 1 to 1000000 are given back, for a key of 1 to 200")
        }
        let place: [PostgresValue] = [.months([month]), .clinics([clinic])]
        return try await stored {
            // A month in which nothing was counted has nothing to give back, and needs no row.
            if clamping { try await pool.execute(SQL.usageMonthInsert, place) }
            let row = try await pool.transaction { connection in
                // Alone, so that the next statement sums with a snapshot taken after the lock.
                _ = try await connection.query(
                    SQL.usageMonthHold, [.month(month), .clinic(clinic)])
                return try await connection.query(
                    SQL.usageGiveBack,
                    [
                        .month(month), .clinic(clinic), .int64(units), .text(key), .text(reason),
                        .bool(clamping),
                    ]
                ).first
            }
            guard let row else { throw LedgerError.corrupt("no answer to an adjustment") }
            if try row.bool("written") { return .written }
            if let before = try row.optionalInt64("units_before") { return .repeated(before) }
            return .moreThanUsed(try row.int64("net"))
        }
    }
}
