import Shell
import Ledger
import Metering
import Values

/// A plan as a person reads it.
enum PlanText {
    static func cells(of plan: ListedPlan) -> [String] {
        [
            "\(plan.id)", plan.name, plan.version.map { "\($0)" } ?? "none", "\(plan.clinics)",
            amount(plan.maxUsers), amount(plan.maxPatients),
            plan.version == nil ? "" : amount(plan.quota ?? -1),
            plan.version == nil ? "" : amount(plan.storageBytes ?? -1),
        ]
    }

    /// What `billing plan apply` takes.
    static func file(of plan: ListedPlan) -> JSON {
        .object([
            JSON.Member(key: "name", value: .text(plan.name)),
            JSON.Member(key: "max_users", value: .number("\(plan.maxUsers)")),
            JSON.Member(key: "max_patients", value: .number("\(plan.maxPatients)")),
            JSON.Member(key: "features", value: plan.features),
        ])
    }

    static func text(of plan: ListedPlan, _ versions: [PlanVersion]) -> String {
        var text = """
            plan \(plan.id) \(TerminalText.quoted(plan.name)), \(plan.clinics) clinics
            users \(amount(plan.maxUsers)), patients \(amount(plan.maxPatients))

            """
        if let problem = plan.problem { text += "refused: \(problem)\n" }
        text += "\(plan.features.indented)\n\n"
        var table = TextTable(["version", "since", "by", "users", "patients", "calls a month", ""])
        for version in versions {
            table.add([
                "\(version.number)", moment(version.effectiveFrom), version.changedBy,
                amount(version.maxUsers), amount(version.maxPatients),
                version.quota.map(amount) ?? "", version.problem == nil ? "" : "refused",
            ])
        }
        return text + table.text
    }

    private static func amount(_ amount: Int64) -> String {
        amount == -1 ? "unlimited" : "\(amount)"
    }

    private static func moment(_ microseconds: Int64) -> String {
        guard microseconds > 0, let time = UTCTime(microseconds: microseconds) else {
            return "the beginning"
        }
        return "\(time)"
    }
}

/// What `billing plan apply` did, or would do.
enum PlanChangeText {
    static func lines(of change: PlanChange, isDryRun: Bool) -> String {
        let name = TerminalText.quoted(change.name)
        guard !change.isNew else {
            return isDryRun
                ? "\(name): would be created\n"
                : "\(name): created, version \(change.version)\n"
        }
        guard !change.differences.isEmpty else {
            return "\(name): unchanged, version \(change.version)\n"
        }
        var text =
            isDryRun
            ? "\(name): would change, version \(change.version) now\n"
            : "\(name): changed, version \(change.version)\n"
        for difference in change.differences { text += line(of: difference) }
        if let reach = change.reach { text += lines(of: reach) }
        return text
    }

    private static func line(of difference: PlanChange.Difference) -> String {
        let delay =
            switch difference.delay {
            case .nextMonth: ", from the next month on"
            case .nextInsert: ", refuses what is added and takes nothing away"
            case nil: ""
            }
        let (before, after) = (difference.before ?? "nothing", difference.after ?? "nothing")
        return "  \(difference.path): \(short(before)) -> \(short(after))\(delay)\n"
    }

    private static func lines(of reach: PlanChange.Reach) -> String {
        var text = "  clinics: \(reach.clinics)"
        if !reach.names.isEmpty {
            let more = reach.clinics - Int64(reach.names.count)
            text += " (\(reach.names.map(TerminalText.quoted).joined(separator: ", "))"
            text += more > 0 ? " and \(more) more)" : ")"
        }
        text += "\n"
        let over = [
            (reach.overUsers, "users"), (reach.overPatients, "patients"),
            (reach.overStorage, "storage"),
        ].filter { $0.0 > 0 }.map { "\($0.1) \($0.0)" }
        if !over.isEmpty {
            text += "  clinics over the limit: \(over.joined(separator: ", "))\n"
        }
        if reach.overQuota > 0 {
            text += "  clinics that used more than the quota this month: \(reach.overQuota)\n"
        }
        return text
    }

    private static func short(_ text: String) -> String {
        text.count > 60 ? "\(text.prefix(60))…" : text
    }
}
