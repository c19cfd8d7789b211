public import Billing
public import Metering
import Postgres

/// The parts of one report, read in one view of the database.
///
/// Usage is what `api_usage` holds, people and files what their counters hold; see
/// `metering.report`.
public struct ReportReader {
    let connection: PostgresConnection

    /// Allowed until the first row, and between two.
    static let timeout: Duration = .seconds(120)

    public func age(of month: Month) async throws -> ReportAge {
        try ReportAge(try await connection.query(SQL.reportAge, [.month(month)]).first)
    }

    /// Hands out one row for each clinic, in constant memory.
    public func rows(
        of selection: ReportSelection, _ order: ReportOrder = ReportOrder(),
        _ body: (ReportRow) throws -> Void
    ) async throws {
        try await copy(SQL.reportRows, selection.values + order.values) { rows in
            try body(try ReportRow(&rows, month: selection.month))
        }
    }

    /// Hands out one row for each clinic of two months, in constant memory.
    public func differences(
        of selection: ReportSelection, to compared: Month, _ order: ReportOrder = ReportOrder(),
        _ body: (ReportDifference) throws -> Void
    ) async throws {
        let values = selection.values + order.values + [.month(compared)]
        try await copy(SQL.reportDifferences, values) { rows in
            try body(
                try ReportDifference(&rows, month: selection.month, compared: compared))
        }
    }

    /// Hands out the sums of a month by plan or by status; by status for every other grouping.
    public func groups(
        of selection: ReportSelection, by grouping: ReportGrouping,
        _ order: ReportOrder = ReportOrder(column: "group"), _ body: (ReportGroup) throws -> Void
    ) async throws {
        let key = grouping == .plan ? "plan" : "status"
        try await copy(SQL.reportGroups, selection.values + order.values + [.text(key)]) { rows in
            try body(try ReportGroup(&rows))
        }
    }

    /// Thirteen months, the month of the selection last.
    public func months(of selection: ReportSelection) async throws -> [ReportMonth] {
        let values = selection.values + [.bool(selection.isNarrowed)]
        return try await connection.query(
            SQL.reportMonths, values, timeout: Self.timeout
        ).map { row in
            ReportMonth(
                month: try row.month("month"), clinics: try row.int64("clinics"),
                apiCalls: try row.int64("api_calls"), storageUsed: try row.int64("storage_used"))
        }
    }

    private func copy(
        _ statement: PostgresStatement, _ values: [PostgresValue],
        _ body: (inout PostgresCopyRows) throws -> Void
    ) async throws {
        let pieces = connection.copyOut(rowsOf: statement, values, timeout: Self.timeout)
        for try await piece in pieces {
            var rows = piece
            while rows.hasRow {
                try body(&rows)
                try rows.endRow()
            }
        }
    }
}

extension ReportSelection {
    /// `$1` to `$6` of every statement of a report.
    var values: [PostgresValue] {
        [
            .month(month), clinic.map(PostgresValue.clinic) ?? .null,
            plans.isEmpty ? .null : .textArray(plans),
            statuses.isEmpty ? .null : .textArray(statuses), .optional(overPercent),
            .bool(onlyAttention),
        ]
    }
}

extension ReportOrder {
    /// `$7` to `$9` of the statements that have an order.
    fileprivate var values: [PostgresValue] {
        [.text(column), .bool(isDescending), .optional(top)]
    }
}

extension ReportRow {
    fileprivate init(_ row: inout PostgresCopyRows, month: Month) throws {
        self.init(
            month: month, clinic: try row.clinic(), subdomain: try row.optionalText(),
            name: try row.text(), plan: try row.optionalText(),
            paymentStatus: try row.optionalText(), users: try row.int64(),
            maxUsers: try row.allowance(), patients: try row.int64(),
            maxPatients: try row.allowance(), apiCalls: try row.int64(),
            apiCallsIncluded: try row.allowance(), storageUsed: try row.int64(),
            storageIncluded: try row.allowance(),
            shares: ReportShares(
                users: try row.optionalInt64(), patients: try row.optionalInt64(),
                apiCalls: try row.optionalInt64(), storage: try row.optionalInt64()),
            storagePeak: try row.int64(), openAttention: try row.int64(),
            drift: try row.int64(), findings: try row.optionalText())
    }
}

extension ReportDifference {
    fileprivate init(_ row: inout PostgresCopyRows, month: Month, compared: Month) throws {
        self.init(
            month: month, compared: compared, clinic: try row.clinic(),
            subdomain: try row.optionalText(), name: try row.text(),
            plan: try row.optionalText(), paymentStatus: try row.optionalText(),
            apiCalls: try row.change(), storageUsed: try row.change())
    }
}

extension ReportGroup {
    fileprivate init(_ row: inout PostgresCopyRows) throws {
        self.init(
            key: try row.optionalText(), clinics: try row.int64(), users: try row.int64(),
            patients: try row.int64(), apiCalls: try row.int64(), storageUsed: try row.int64(),
            storagePeak: try row.int64(),
            findings: ReportFindings(
                overQuota: try row.int64(), pastDue: try row.int64(), drift: try row.int64(),
                attention: try row.int64()))
    }
}

extension PostgresCopyRows {
    fileprivate mutating func clinic() throws -> ClinicID { ClinicID(try uuid()) }

    fileprivate mutating func allowance() throws -> Allowance {
        guard let allowance = Allowance(stored: try optionalInt64()) else {
            throw LedgerError.corrupt("a limit below −1")
        }
        return allowance
    }

    fileprivate mutating func change() throws -> ReportDifference.Change {
        ReportDifference.Change(
            now: try int64(), compared: try int64(), change: try int64())
    }
}
