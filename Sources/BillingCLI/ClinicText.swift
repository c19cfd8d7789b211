import Ledger
import Metering
import Values

/// What `billing clinics` prints.
enum ClinicText {
    static func table(of clinics: [ListedClinic]) -> String {
        var table = TextTable(["subdomain", "name", "plan", "standing", "id"])
        for clinic in clinics {
            table.add([
                clinic.subdomain ?? "", clinic.name, clinic.plan ?? "", clinic.standing ?? "",
                "\(clinic.id)",
            ])
        }
        return table.text
    }

    static func json(of clinics: [ListedClinic]) -> String {
        let rows = clinics.map { "  \(object(of: $0))" }.joined(separator: ",\n")
        return rows.isEmpty ? "[]\n" : "[\n\(rows)\n]\n"
    }

    static func object(of clinic: ListedClinic) -> JSON {
        func text(_ key: String, _ value: String?) -> JSON.Member {
            JSON.Member(key: key, value: value.map(JSON.text) ?? .null)
        }
        return .object([
            text("clinic_id", "\(clinic.id)"), text("name", clinic.name),
            text("subdomain", clinic.subdomain), text("plan", clinic.plan),
            text("standing", clinic.standing), text("since", clinic.since?.rfc3339),
            text("first_day", clinic.firstDay), text("last_day", clinic.lastDay),
        ])
    }

    static func lines(of clinic: ListedClinic) -> String {
        let since = clinic.since.map { " since \($0)" } ?? ""
        let days = clinic.firstDay.map { "\($0) to \(clinic.lastDay ?? "open")" } ?? "none"
        return """
            id         \(clinic.id)
            name       \(TerminalText.quoted(clinic.name))
            subdomain  \(clinic.subdomain.map(TerminalText.quoted) ?? "none")
            plan       \(clinic.plan.map(TerminalText.quoted) ?? "none")
            standing   \(clinic.standing.map(TerminalText.quoted) ?? "none")\(since)
            days       \(days)

            """
    }
}
