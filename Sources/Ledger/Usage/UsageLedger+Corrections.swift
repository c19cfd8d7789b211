public import Metering
import Postgres

extension UsageLedger {
    /// Adds corrections, each once; returns how many are new. A failure leaves the batches before
    /// it written, and repeating all of them is harmless.
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

    /// Gives units of a month back, once for `key`, however long ago it was used first.
    ///
    /// - Parameters:
    ///   - units: Cost units, 1…1,000,000.
    ///   - key: 1 to 200 characters that name it among all adjustments.
    ///   - clamping: Whether a month that used less gives back what it used; otherwise it is
    ///     refused.
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

    /// Restarts the quota of a clinic's running month. What was counted stays: `api_usage` does not
    /// change.
    ///
    /// - Returns: Cost units that no longer count against the quota, as far as the ledger had them.
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

    /// What `resetQuota` would take off now. Changes nothing.
    public func previewReset(of clinic: ClinicID) async throws(LedgerError) -> Int64 {
        guard let units = try await previewed(SQL.quotaReset, clinic) else {
            throw .unknownClinic("\(clinic)")
        }
        return units
    }

    /// Undoes the latest reset of the running month that still stands, once.
    ///
    /// - Returns: Cost units that count against the quota again; nil when there is no such reset.
    public func undoReset(
        of clinic: ClinicID, reason: String
    ) async throws(LedgerError) -> Int64? {
        try Self.require(reason: reason)
        return try await quotaChange {
            try await pool.query(SQL.quotaResetUndo, [.clinic(clinic), .text(reason)])
                .first?.optionalInt64("units")
        }
    }

    /// What `undoReset` would count again. Changes nothing.
    public func previewUndo(of clinic: ClinicID) async throws(LedgerError) -> Int64? {
        try await previewed(SQL.quotaResetUndo, clinic)
    }

    /// Runs a change and rolls it back, so that the preview is the change's own answer.
    private func previewed(
        _ change: PostgresStatement, _ clinic: ClinicID
    ) async throws(LedgerError) -> Int64? {
        try await stored {
            do {
                return try await pool.transaction { connection async throws -> Int64? in
                    let rows = try await connection.query(
                        change, [.clinic(clinic), .text("preview")])
                    throw RolledBack(units: try rows.first?.optionalInt64("units"))
                }
            } catch let preview as RolledBack {
                return preview.units
            }
        }
    }

    private struct RolledBack: Error { let units: Int64? }

    /// Gives units of a clinic's running month back, in `api_usage` and in its quota, once for each
    /// id.
    ///
    /// - Parameters:
    ///   - units: Cost units, 1 to 2^53 − 1, and no more than the month has.
    ///   - id: 1 to 100 characters; the caller's own name of this refund.
    /// - Returns: False when the id was known already; then nothing changed.
    public func refundQuota(
        of clinic: ClinicID, units: Int64, id: String, reason: String
    ) async throws(LedgerError) -> Bool {
        try Self.require(reason: reason)
        guard (1...Ledger.countMax).contains(units) else {
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

    /// Turns the two refusals of the functions into messages for an operator.
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
