import ArgumentParser
import Billing
import Shell

/// The findings of `--fail-on`. Raw values are its arguments.
enum ReportAlarm: String, CaseIterable {
    case overQuota = "over-quota"
    case pastDue = "past-due"
    case drift

    static func read(_ text: String) throws -> [ReportAlarm] {
        try text.split(separator: ",", omittingEmptySubsequences: false).map { word in
            guard let alarm = ReportAlarm(rawValue: String(word)) else {
                throw ValidationError(
                    "--fail-on takes over-quota, past-due and drift, separated by commas")
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

    /// Reports what was found and ends with exit code 3, or does nothing.
    static func end(_ wanted: [ReportAlarm], _ found: ReportFindings) throws {
        let reported = allCases.filter { wanted.contains($0) && $0.clinics(found) > 0 }
        guard !reported.isEmpty else { return }
        let list = reported.map { "\($0.rawValue) \($0.clinics(found))" }
        Console.note("billing: found, in clinics: \(list.joined(separator: ", "))")
        throw Outcome.found
    }
}
