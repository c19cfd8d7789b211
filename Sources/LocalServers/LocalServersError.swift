/// Why the private servers do not run. Descriptions name paths, programs and process ids, never a
/// password.
public enum LocalServersError: Error, Hashable {
    /// Programs that are not installed, and the one line that installs them.
    case programsMissing([String], install: String)
    /// The servers must not run as root, and the account they would run as does not exist.
    case accountMissing(String)
    /// Another live process holds these data.
    case inUse(directory: String, pid: Int32?)
    /// A directory cannot be made or used.
    case directoryUnusable(String, reason: String)
    /// A Unix socket's path may have 107 bytes; no temporary directory leads to one that short.
    case socketPathTooLong(String)
    /// The server ended before it was ready, or could not be run. `log` holds its last lines.
    case startFailed(server: String, reason: String, log: [String])
    /// The server runs but did not answer in time.
    case notReady(server: String, after: Duration, log: [String])
    /// A program that should run until it is stopped ended by itself. `log` holds its last lines.
    case ended(server: String, how: String, log: [String])
    /// A client program failed; `output` is what it printed.
    case programFailed(String, status: String, output: String)

    /// The remedy, for a person.
    public var remedy: String {
        switch self {
        case .programsMissing(_, let install): "As root: \(install)"
        case .accountMissing: "As root: \(Programs.installLine(for: [.postgres]))"
        case .inUse(_, let pid?): "End process \(pid), or give another directory."
        case .inUse(_, nil): "End the process that uses it, or give another directory."
        case .directoryUnusable(let path, _): "Remove or repair \(path), or give another directory."
        case .socketPathTooLong: "Set TMPDIR to a short path, such as /tmp."
        case .startFailed, .notReady, .ended: "The server's output, above, says what to change."
        case .programFailed: "The program's output, above, says what to change."
        }
    }
}

extension LocalServersError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .programsMissing(let names, _):
            "missing programs: \(names.joined(separator: ", ")). \(remedy)"
        case .accountMissing(let account):
            "PostgreSQL refuses to run as root, and there is no user \(account). \(remedy)"
        case .inUse(let directory, let pid):
            "\(directory) is in use by "
                + "\(pid.map { "process \($0)" } ?? "another process"). \(remedy)"
        case .directoryUnusable(let path, let reason): "\(path): \(reason). \(remedy)"
        case .socketPathTooLong(let path):
            "a socket in \(path) would have a path of more than 107 bytes. \(remedy)"
        case .startFailed(let server, let reason, let log):
            "\(server) did not start: \(reason)\(Self.quoted(log)). \(remedy)"
        case .notReady(let server, let after, let log):
            "\(server) did not answer within \(after)\(Self.quoted(log)). \(remedy)"
        case .ended(let server, let how, let log):
            "\(server) ended: \(how)\(Self.quoted(log)). \(remedy)"
        case .programFailed(let program, let status, let output):
            "\(program) failed (\(status))\(Self.quoted([output])). \(remedy)"
        }
    }

    private static func quoted(_ lines: [String]) -> String {
        lines.isEmpty ? "" : "; it said:\n" + lines.joined(separator: "\n")
    }
}
