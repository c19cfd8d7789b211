import Billing
import Metering
import Values

/// Everything that the template `page` names.
struct HTMLDocument {
    struct Tile {
        let name: String
        let value: String
        let note: String
        var exact: String?
        var sign: String?
        var mood: String?
    }

    let style = HTMLTemplates.style
    let styleHash = HTMLTemplates.styleHash
    let month: String
    let monthName: String
    let age: String
    let narrowedBy: String?
    let tiles: [Tile]
    let days: ColumnChart
    let months: ColumnChart
    let bars: [BarChart]
    let tableNote: String
    let hasRows: Bool
    let rows: [HTMLRow]

    init(
        figures: ReportFigures, selection: ReportSelection, rows: [ReportRow], age: ReportAge,
        wanted: Int64?
    ) {
        month = selection.month.description
        monthName = HTMLNumbers.name(selection.month)
        self.age = "\(age)"
        narrowedBy = Self.narrowing(selection)
        tiles = Self.tiles(figures, selection.month)
        days = Self.days(figures, selection.month)
        months = Self.months(figures)
        bars =
            [Self.standing(figures)]
            + ReportFigures.Counter.allCases.map { Self.shares($0, figures) }
            + [Self.top(figures)]
        hasRows = !rows.isEmpty
        self.rows = rows.map(HTMLRow.init)
        tableNote = Self.tableNote(shown: rows.count, figures, wanted: wanted)
    }

    private static func tableNote(
        shown: Int, _ figures: ReportFigures, wanted: Int64?
    ) -> String {
        let all = figures.totals.clinics
        let left = all - Int64(shown)
        guard left > 0 else { return "\(HTMLNumbers.grouped(all)) in all." }
        let note =
            "\(HTMLNumbers.grouped(Int64(shown))) of \(HTMLNumbers.grouped(all)) are shown; "
            + "left out: \(HTMLNumbers.grouped(left))"
        let isWhole = wanted.map { $0 <= Int64(shown) } ?? false
        return note + (isWhole ? ", as requested." : ". billing report --format csv gives all.")
    }

    /// `plan Solo or Trial; status past_due`, or nil.
    private static func narrowing(_ selection: ReportSelection) -> String? {
        var parts: [String] = []
        if let clinic = selection.clinic { parts.append("clinic \(clinic)") }
        if !selection.plans.isEmpty {
            parts.append("plan \(selection.plans.joined(separator: " or "))")
        }
        if !selection.statuses.isEmpty {
            parts.append("status \(selection.statuses.joined(separator: " or "))")
        }
        if let over = selection.overPercent {
            parts.append("clinics at \(over)\u{A0}% of a limit or more")
        }
        if selection.onlyAttention { parts.append("clinics with something to look at") }
        return parts.isEmpty ? nil : parts.joined(separator: "; ")
    }
}

extension HTMLDocument {
    private static func tiles(_ figures: ReportFigures, _ month: Month) -> [Tile] {
        let (totals, findings) = (figures.totals, figures.findings)
        let before = figures.months.dropLast().last
        let change = before.flatMap { before in
            HTMLNumbers.change(totals.apiCalls, from: before.apiCalls).map { change in
                "\(change) in \(HTMLNumbers.monthNames[before.month.month - 1])"
            }
        }
        let seats = HTMLNumbers.permille(
            totals.seatsUsed, of: totals.seatsIncluded, upTo: 100_000)
        return [
            number("Clinics", totals.clinics, "in this report"),
            number("Calls", totals.apiCalls, change ?? "cost units"),
            Tile(
                name: "Storage", value: HTMLNumbers.bytes(totals.storageUsed),
                note: "in files of patients",
                exact: "\(HTMLNumbers.grouped(totals.storageUsed)) bytes"),
            number(
                "Users", totals.users,
                totals.seatsIncluded > 0
                    ? "\(HTMLNumbers.grouped(Int64(seats / 10)))\u{A0}% of limited seats"
                    : "no limits"),
            finding(
                "Over a limit", findings.overQuota, HTMLMark.bad, "▲",
                "users, patients, calls or storage"),
            finding("Past due", findings.pastDue, HTMLMark.warn, "■", "or suspended"),
            finding(
                "Drift", findings.drift, HTMLMark.warn, "≠",
                "counters corrected in \(HTMLNumbers.monthNames[month.month - 1])"),
            finding("Attention", findings.attention, HTMLMark.warn, "!", "with open notes"),
        ]
    }

    private static func number(_ name: String, _ number: Int64, _ note: String) -> Tile {
        Tile(
            name: name, value: HTMLNumbers.compact(number), note: note,
            exact: HTMLNumbers.grouped(number))
    }

    private static func finding(
        _ name: String, _ clinics: Int64, _ mood: String, _ sign: String, _ note: String
    ) -> Tile {
        clinics == 0
            ? Tile(name: name, value: "none", note: note)
            : Tile(
                name: name, value: HTMLNumbers.compact(clinics), note: note,
                exact: "\(HTMLNumbers.grouped(clinics)) clinics", sign: sign, mood: mood)
    }
}

// MARK: Charts

extension HTMLDocument {
    private static func days(_ figures: ReportFigures, _ month: Month) -> ColumnChart {
        let last = Int((month.end - month.start) / 86_400_000_000)
        let name = HTMLNumbers.monthNames[month.month - 1]
        let values = (1...last).map { day in
            ColumnChart.Value(
                label: "\(day) \(name)", amount: figures.days[day] ?? 0,
                tick: day == 1 || day.isMultiple(of: 5) ? "\(day)" : nil)
        }
        let busiest = figures.days.max { ($0.value, $1.key) < ($1.value, $0.key) }
        let note =
            busiest.map { "Most on \($0.key) \(name): \(HTMLNumbers.grouped($0.value))." }
            ?? "By the day of the roll-up, UTC."
        return ColumnChart(
            id: "days", name: "Calls by day", width: "broad", note: note, unit: "Day",
            nothing: "No calls are noted by day in this month.", values)
    }

    private static func months(_ figures: ReportFigures) -> ColumnChart {
        let values = figures.months.enumerated().map { place, month in
            ColumnChart.Value(
                label: HTMLNumbers.name(month.month), amount: month.apiCalls,
                tick: place.isMultiple(of: 2) ? HTMLNumbers.shortName(month.month) : nil,
                isNow: place == figures.months.count - 1)
        }
        return ColumnChart(
            id: "months", name: "Calls by month", width: "half",
            note: "Thirteen months; the month of this report stands out.", unit: "Month",
            nothing: "No calls in thirteen months.", values)
    }

    private static func standing(_ figures: ReportFigures) -> BarChart {
        let groups = figures.standing.sorted { $0.clinics > $1.clinics }
        var values = groups.prefix(10).map { group in
            let mark = HTMLMark.standing(group.key)
            return BarChart.Value(
                label: TerminalText.fitted(mark.word, in: 26).text, amount: group.clinics,
                value: HTMLNumbers.grouped(group.clinics), sign: mark.sign, mood: mark.mood)
        }
        let others = groups.dropFirst(10).reduce(Int64(0)) { $0 &+ $1.clinics }
        if others > 0 {
            values.append(
                BarChart.Value(
                    label: "others", amount: others, value: HTMLNumbers.grouped(others), sign: "?",
                    mood: HTMLMark.bad))
        }
        return BarChart(
            id: "standing", name: "Standing", width: "tall", note: "Clinics by payment status.",
            nothing: "No clinics.", whole: figures.totals.clinics, values)
    }

    private static func shares(
        _ counter: ReportFigures.Counter, _ figures: ReportFigures
    ) -> BarChart {
        let counts = figures.brackets[counter] ?? [:]
        let values = ReportFigures.Bracket.allCases.map { bracket in
            let clinics = counts[bracket] ?? 0
            return BarChart.Value(
                label: bracket.label, amount: clinics, value: HTMLNumbers.grouped(clinics),
                sign: bracket == .full && clinics > 0 ? "▲" : nil,
                mood: bracket == .full
                    ? HTMLMark.bad : bracket == .unlimited ? HTMLMark.plain : "")
        }
        return BarChart(
            id: counter.rawValue, name: counter.title, width: "",
            note: "Clinics by how much of the limit they use.", nothing: "No clinics.",
            whole: figures.totals.clinics, values)
    }

    private static func top(_ figures: ReportFigures) -> BarChart {
        let values = figures.top.filter { $0.apiCalls > 0 }.enumerated().map { place, row in
            let share = row.shares.apiCalls.map { " · \(HTMLNumbers.percent($0))" } ?? ""
            let isOver = (row.shares.apiCalls ?? 0) >= 100
            return BarChart.Value(
                label: "\(place + 1). \(TerminalText.fitted(row.name, in: 24).text)",
                amount: row.apiCalls,
                value: HTMLNumbers.compact(row.apiCalls) + share, sign: isOver ? "▲" : nil,
                mood: isOver ? HTMLMark.bad : "")
        }
        return BarChart(
            id: "top", name: "Most calls", width: "wide",
            note: "The first 20 clinics, with the part of their quota where they have one.",
            nothing: "No calls in this month.", whole: figures.top.first?.apiCalls ?? 0,
            perPart: max(5, (values.count + 1) / 2), values)
    }
}

extension ReportFigures.Counter {
    fileprivate var title: String {
        switch self {
        case .calls: "Quota of calls"
        case .users: "Seats used"
        case .patients: "Patients"
        case .storage: "Storage"
        }
    }
}

extension ReportFigures.Bracket {
    fileprivate var label: String {
        switch self {
        case .firstQuarter: "below 25 %"
        case .secondQuarter: "25 to 49 %"
        case .thirdQuarter: "50 to 74 %"
        case .fourthQuarter: "75 to 99 %"
        case .full: "100 % or more"
        case .unlimited: "no limit"
        }
    }
}
