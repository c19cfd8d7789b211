/// One check: what was found and, unless all is well, the remedy.
///
/// Scripts read the names; never rename one.
struct DoctorCheck: Hashable, Sendable {
    enum Level: String, Comparable, Sendable {
        case ok, warn, fail

        static func < (one: Level, other: Level) -> Bool { one.rank < other.rank }

        private var rank: Int {
            switch self {
            case .ok: 0
            case .warn: 1
            case .fail: 2
            }
        }
    }

    let name: String
    let level: Level
    let found: String
    /// A statement, a command or a setting; nil when all is well.
    let remedy: String?

    static func ok(_ name: String, _ found: String) -> DoctorCheck {
        DoctorCheck(name: name, level: .ok, found: found, remedy: nil)
    }

    static func warn(_ name: String, _ found: String, remedy: String) -> DoctorCheck {
        DoctorCheck(name: name, level: .warn, found: found, remedy: remedy)
    }

    static func fail(_ name: String, _ found: String, remedy: String) -> DoctorCheck {
        DoctorCheck(name: name, level: .fail, found: found, remedy: remedy)
    }
}
