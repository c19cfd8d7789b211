public import Metering
import Postgres

/// A correction of a month, named so that it counts once.
public struct UsageAdjustment: Hashable, Sendable {
    public let month: Month
    public let clinic: ClinicID
    /// Cost units; below zero gives back.
    public let units: Int64
    /// 1 to 200 characters.
    public let key: String

    public init(month: Month, clinic: ClinicID, units: Int64, key: String) {
        (self.month, self.clinic, self.units, self.key) = (month, clinic, units, key)
    }
}

extension Ledger {
    /// Adds corrections, each once; returns how many are new. A failure leaves the batches before it written, and
    /// repeating all of them is harmless.
    @discardableResult
    public func adjust(
        _ rows: [UsageAdjustment], because reason: String
    ) async throws(LedgerError) -> Int64 {
        try await stored {
            var added: Int64 = 0
            for start in stride(from: 0, to: rows.count, by: Self.batchMax) {
                let slice = rows[start..<min(start + Self.batchMax, rows.count)]
                let answer = try await pool.query(
                    SQL.usageAdjustmentInsert,
                    [
                        .months(slice.map(\.month)), .clinics(slice.map(\.clinic)),
                        .int64Array(slice.map(\.units)), .textArray(slice.map(\.key)),
                        .text(reason),
                    ])
                added += try answer.first?.int64("added") ?? 0
            }
            return added
        }
    }
}
