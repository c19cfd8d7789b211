import ArgumentParser
import Billing
import Shell

/// What `--fail-on` watches for. Raw values are its words.
enum ReportAlarm: String, CaseIterable {
    case overQuota = "over-quota"
    case pastDue = "past-due"
    case drift

    static func read(_ text: String) throws -> [ReportAlarm] {
        try text.split(separator: ",", omittingEmptySubsequences: false).map { word in
            guard let alarm = ReportAlarm(rawValue: String(word)) else {
                throw ValidationError(
                    "--fail-on takes one or more of over-quota,past-due,drift, with commas")
            }
            return alarm
        }
    }

    private func clinics(_ found: ReportFindings) -> Int64 {
        switch self {
        case .overQuota: found.overQuota
        case .pastDue: found.pastDue
        case .drift: found.drift
        }
    }

    /// Says what was found and ends with 3, or does nothing.
    static func end(_ wanted: [ReportAlarm], _ found: ReportFindings) throws {
        let told = allCases.filter { wanted.contains($0) && $0.clinics(found) > 0 }
        guard !told.isEmpty else { return }
        let list = told.map { "\($0.rawValue) \($0.clinics(found))" }
        Console.note("billing: found, in clinics: \(list.joined(separator: ", "))")
        throw ExitCode(3)
    }
}
