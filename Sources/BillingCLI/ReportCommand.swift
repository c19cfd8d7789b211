public import ArgumentParser
import Billing
import Ledger
import Metering
import Reports
import Shell
import Values

/// `billing report`: one month of every clinic, or of some.
struct ReportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Print one month of usage, by clinic.",
        discussion: """
            Examples:
              billing report
              billing report --month 2026-11 --clinic smile-dental --format json
              billing report --over 80 --sort -api_calls_percent --top 20
              billing report --attention --fail-on over-quota,past-due --max-age 10m
              billing report --format html --output november.html

            Usage is what the last roll-up wrote; the report states its age. All filters apply \
            together. Columns, findings and combinations: docs/report.md. Exit code 3: --fail-on \
            found something, and the report was written; 4: the numbers are older than --max-age, \
            and nothing was written.
            """)

    @Option(
        help: ArgumentHelp(
            "Calendar month in UTC. Without it: the current one.", valueName: "YYYY-MM"),
        transform: CommandArguments.month)
    var month: Month?
    @Option(help: ArgumentHelp("Only this clinic.", valueName: "id|subdomain"))
    var clinic: String?
    @Option(
        help: ArgumentHelp(
            "Only clinics on this plan; none: without a subscription. May be repeated.",
            valueName: "name"))
    var plan: [String] = []
    @Option(
        help: ArgumentHelp(
            "Only clinics with this payment_status; none: without a subscription. May be repeated.",
            valueName: "word"))
    var status: [String] = []
    @Option(
        help: ArgumentHelp(
            "Only clinics at or above this percentage of users, patients, calls or storage.",
            valueName: "pct"),
        transform: percent)
    var over: Int64?
    @Flag(help: "Only clinics with a finding: over a limit, unpaid, drift, open attention.")
    var attention = false
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Sort by this column; -column reverses the order.", valueName: "column"))
    var sort: String?
    @Flag(help: "Reverse the order of --sort.")
    var descending = false
    @Option(help: ArgumentHelp("Only the first N rows.", valueName: "n"), transform: count)
    var top: Int64?
    @Option(help: "Sum by this. month: the thirteen months up to --month.")
    var groupBy: ReportGrouping?
    @Option(
        help: ArgumentHelp("Compare with this month.", valueName: "YYYY-MM"),
        transform: CommandArguments.month)
    var diff: Month?
    @Option(help: "The report format. table stops at 1,000 rows, html at 500.")
    var format = OutputFormat.table
    @Option(
        help: ArgumentHelp(
            "Write to this file. It is replaced only once the report is complete.",
            valueName: "file"))
    var output: String?
    @Option(
        help: ArgumentHelp(
            "Exit with 3 when a clinic of the report is over-quota, past-due or has drift. May be "
                + "repeated.",
            valueName: "over-quota,past-due,drift"),
        transform: alarms)
    var failOn: [[ReportAlarm]] = []
    @Option(
        help: ArgumentHelp(
            "Exit with 4 when the numbers are older, such as 10m or 1h.", valueName: "age"),
        transform: age)
    var maxAge: Duration?

    func validate() throws { try order.check(self) }

    func run() async throws {
        try await AdminDatabase.lend { ledger in try await report(from: ledger) }
    }

    private func report(from ledger: Ledger) async throws {
        let current = try await ledger.usage.currentMonth()
        var selection = ReportSelection(month: month ?? current)
        if diff == selection.month { throw ValidationError("--diff must name another month") }
        try await narrow(&selection, in: ledger)
        let found = try await ledger.reports.read { reader in
            let age = try await reader.age(of: selection.month)
            try refuseOld(age, of: selection.month)
            try await write(selection, age, from: reader)
            return failOn.isEmpty ? nil : try await reader.findings(of: selection)
        }
        if let found { try ReportAlarm.end(failOn.flatMap(\.self), found) }
    }

    private func narrow(_ selection: inout ReportSelection, in ledger: Ledger) async throws {
        if let clinic { selection.clinic = try await ledger.clinics.find(named: clinic) }
        selection.overPercent = over
        selection.onlyAttention = attention
        (selection.plans, selection.statuses) = (plan, status)
        if !plan.isEmpty {
            let names = try await ledger.reports.planNames()
            guard !plan.contains(ReportSelection.none) || !names.contains(ReportSelection.none)
            else { throw AmbiguousNone() }
            try UnknownWord.refuse(plan, outside: names, option: "--plan")
        }
        let known = PaymentStatus.allCases.map(\.rawValue)
        if status.contains(where: { !known.contains($0) && $0 != ReportSelection.none }) {
            try UnknownWord.refuse(
                status, outside: known + (await ledger.reports.statuses()), option: "--status")
        }
    }

    private func refuseOld(_ age: ReportAge, of month: Month) throws {
        guard let maxAge, !age.isYounger(than: maxAge) else { return }
        Console.note("billing: \(month) is too old for --max-age, so nothing was written: \(age)")
        throw Outcome.tooOld
    }
}

// MARK: Writing

extension ReportCommand {
    private func write(
        _ selection: ReportSelection, _ age: ReportAge, from reader: ReportReader
    ) async throws {
        guard let format = format.ofLines else {
            return try await writePage(selection, age, from: reader)
        }
        var page = try ReportPieces(writer: format.writer(), path: output)
        let month = selection.month
        if let diff {
            try page.begin(ReportHead(month: month, kind: .differences(diff)))
            try await reader.differences(of: selection, to: diff, order.order) {
                try page.add($0.cells)
            }
        } else if let groupBy {
            try page.begin(ReportHead(month: month, kind: .groups(groupBy)))
            if groupBy == .month {
                for month in try await reader.months(of: selection) { try page.add(month.cells) }
            } else {
                try await reader.groups(of: selection, by: groupBy, order.order) {
                    try page.add($0.cells)
                }
            }
        } else {
            try page.begin(ReportHead(month: month))
            try await reader.rows(of: selection, order.order) { try page.add($0.cells) }
        }
        try page.end(age)
    }

    private func writePage(
        _ selection: ReportSelection, _ age: ReportAge, from reader: ReportReader
    ) async throws {
        var file = try ResultFile(path: output)
        var report = HTMLReport(try await reader.figures(of: selection), of: selection)
        var first = order.order
        first.top = min(top ?? .max, Int64(HTMLReport.mostRows))
        try await reader.rows(of: selection, first) { report.add($0) }
        try file.write(try report.page(age, wanted: top))
        try file.place()
    }

    var order: ReportOrderOptions {
        ReportOrderOptions(sort: sort, descending: descending, top: top)
    }
}

// MARK: Reading the options

extension ReportCommand {
    private static func percent(_ text: String) throws -> Int64 {
        let digits = text.hasSuffix("%") ? String(text.dropLast()) : text
        guard let percent = Int64(digits), (1...1_000_000).contains(percent) else {
            throw ValidationError("--over is a whole number of percent, 1 to 1000000, such as 80")
        }
        return percent
    }

    private static func count(_ text: String) throws -> Int64 {
        guard let count = Int64(text), count > 0 else {
            throw ValidationError("--top is a whole number above 0")
        }
        return count
    }

    private static func age(_ text: String) throws -> Duration {
        guard let age = Duration(text: text) else {
            throw ValidationError("--max-age is a number with a unit, such as 90s, 10m, 1h or 1d")
        }
        return age
    }

    private static func alarms(_ text: String) throws -> [ReportAlarm] {
        try ReportAlarm.read(text)
    }
}

extension ReportGrouping: ExpressibleByArgument {}
