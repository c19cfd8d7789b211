/// Why a line of the log is not a call.
enum AccessLogFault: String, CaseIterable, Sendable {
    case empty, noHost, noTime, tooLong

    /// A phrase for a person, such as `has no [time] after its host`.
    var reason: String {
        switch self {
        case .empty: "is empty"
        case .noHost: "does not begin with a host"
        case .noTime: "has no [time] after its host"
        case .tooLong: "is longer than \(AccessLogReader.longestLine) bytes"
        }
    }
}
