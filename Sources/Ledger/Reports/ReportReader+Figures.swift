public import Billing
import Metering
import Postgres
import Values

extension ReportReader {
    /// How many clinics have which finding.
    public func findings(of selection: ReportSelection) async throws -> ReportFindings {
        try await totals(of: selection).findings
    }

    /// Everything that a page draws, summed by the database.
    public func figures(of selection: ReportSelection) async throws -> ReportFigures {
        var figures = ReportFigures()
        (figures.totals, figures.findings) = try await totals(of: selection)
        try await groups(of: selection, by: .status) { figures.standing.append($0) }
        figures.brackets = try await brackets(of: selection)
        figures.days = try await days(of: selection)
        figures.months = try await months(of: selection)
        let busiest = ReportOrder(column: "api_calls", isDescending: true, top: 20)
        try await rows(of: selection, busiest) { figures.top.append($0) }
        return figures
    }

    private func totals(
        of selection: ReportSelection
    ) async throws -> (totals: ReportFigures.Totals, findings: ReportFindings) {
        let rows = try await connection.query(
            SQL.reportTotals, selection.values, timeout: Self.timeout)
        guard let row = rows.first else { throw LedgerError.corrupt("no totals") }
        var totals = ReportFigures.Totals()
        totals.clinics = try row.int64("clinics")
        totals.users = try row.int64("users")
        totals.patients = try row.int64("patients")
        totals.apiCalls = try row.int64("api_calls")
        totals.storageUsed = try row.int64("storage_used")
        totals.seatsUsed = try row.int64("seats_used")
        totals.seatsIncluded = try row.int64("seats_included")
        let findings = ReportFindings(
            overQuota: try row.int64("over_quota"), pastDue: try row.int64("past_due"),
            drift: try row.int64("drift"), attention: try row.int64("attention"))
        return (totals, findings)
    }

    private func brackets(
        of selection: ReportSelection
    ) async throws -> [ReportFigures.Counter: [ReportFigures.Bracket: Int64]] {
        var brackets: [ReportFigures.Counter: [ReportFigures.Bracket: Int64]] = [:]
        let rows = try await connection.query(
            SQL.reportShares, selection.values, timeout: Self.timeout)
        for row in rows {
            guard let counter = ReportFigures.Counter(rawValue: try row.text("counter")),
                let bracket = ReportFigures.Bracket(rawValue: try row.int64("bracket"))
            else { throw LedgerError.corrupt("an unknown bracket") }
            brackets[counter, default: [:]][bracket] = try row.int64("clinics")
        }
        return brackets
    }

    private func days(of selection: ReportSelection) async throws -> [Int: Int64] {
        let rows = try await connection.query(
            SQL.reportDays, selection.values + [.bool(selection.isNarrowed)],
            timeout: Self.timeout)
        var days: [Int: Int64] = [:]
        for row in rows {
            let day = CivilDate(daysSince1970: Int64(try row.date("day")))
            days[day.day] = try row.int64("units")
        }
        return days
    }
}
