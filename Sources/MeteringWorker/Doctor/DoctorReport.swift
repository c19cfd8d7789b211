import Metering

/// All checks, in order.
struct DoctorReport: Hashable, Sendable {
    let checks: [DoctorCheck]

    /// The worst level of all checks.
    var level: DoctorCheck.Level { checks.map(\.level).max() ?? .ok }

    /// A line for each check, so that `grep -v ^ok` leaves those that need an operator.
    var text: String {
        let width = checks.map(\.name.count).max() ?? 0
        let lines = checks.map { check in
            let name = check.name + String(repeating: " ", count: width - check.name.count)
            let level = check.level == .ok ? "ok  " : check.level.rawValue
            return "\(level)  \(name)  \(check.found)"
                + (check.remedy.map { "; remedy: \($0)" } ?? "") + "\n"
        }
        return lines.joined()
    }

    /// `doctor/1`: members may be added, never renamed.
    var json: String {
        let list = checks.map { check in
            JSON.object([
                JSON.Member(key: "name", value: .text(check.name)),
                JSON.Member(key: "level", value: .text(check.level.rawValue)),
                JSON.Member(key: "found", value: .text(check.found)),
                JSON.Member(key: "remedy", value: check.remedy.map { .text($0) } ?? .null),
            ])
        }
        return JSON.object([
            JSON.Member(key: "schema", value: .text("doctor/1")),
            JSON.Member(key: "level", value: .text(level.rawValue)),
            JSON.Member(key: "checks", value: .list(list)),
        ]).description + "\n"
    }
}
