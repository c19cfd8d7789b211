import Ledger
import Metering
import Shell
import Values

/// A plan as text.
enum PlanText {
    static func cells(of plan: ListedPlan) -> [String] {
        [
            "\(plan.id)", plan.name, plan.version.map { "\($0)" } ?? "none", "\(plan.clinics)",
            amount(plan.maxUsers), amount(plan.maxPatients),
            plan.version == nil ? "" : amount(plan.quota ?? -1),
            plan.version == nil ? "" : amount(plan.storageBytes ?? -1),
        ]
    }

    /// The file that `billing plan apply` accepts.
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
