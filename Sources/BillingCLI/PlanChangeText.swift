import Ledger
import Metering
import Shell
import Values

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
            case .nextMonth: ", from next month"
            case .nextInsert: ", refuses additions and removes nothing"
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
            text += "  clinics over the quota this month: \(reach.overQuota)\n"
        }
        return text
    }

    private static func short(_ text: String) -> String {
        text.count > 60 ? "\(text.prefix(60))…" : text
    }
}
