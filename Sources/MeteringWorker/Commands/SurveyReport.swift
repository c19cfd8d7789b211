import Ledger

/// The output of `migrate --dry-run`.
struct SurveyReport {
    let survey: MigrationSurvey

    var text: String {
        let steps = StepList.planned(survey.steps).text
        guard !survey.tables.isEmpty else { return steps.isEmpty ? "nothing to do\n" : steps }
        return way + tables + usage + "\n" + steps
    }

    private var way: String {
        """
        the application's tables exist: would attach to them, and change none of their rows

        """
    }

    private var tables: String {
        survey.tables.map { table in
            guard let found = table.found else {
                return "missing public.\(table.name): would be made as in a new database\n"
            }
            return "found   public.\(table.name): \(Self.size(found)), owner \(found.owner), "
                + "row security \(found.hasRowSecurity ? "on" : "off")\n"
        }.joined()
    }

    private var usage: String {
        guard let usage = survey.usage else { return "" }
        return
            "found   usage: \(usage.rowsNow) rows of this month or later would begin its totals, "
            + "\(usage.monthsBefore) earlier months would be kept as they are\n"
    }

    /// `about 1200 rows, 96 kB`.
    static func size(_ table: MigrationSurvey.FoundTable.Found) -> String {
        let rows = table.rows.map { "about \($0) rows" } ?? "rows not counted yet"
        return "\(rows), \(table.bytes / 1024) kB"
    }
}
