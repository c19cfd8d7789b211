import FoundationEssentials
import Glibc

/// A program of the caller that runs beside private servers, as this user. It ends with this
/// process, however that ends, and a later run ends what a killed one left.
public struct LocalProgram: Sendable {
    /// The line that reported that it is ready.
    public let readyLine: String
    private let server: Server

    /// Ends it by SIGTERM or, when that takes too long, by stronger signals. Returns when it is
    /// gone.
    public func stop() async { await server.stop() }

    /// Waits up to `limit` for the program to end without `stop`.
    /// - Returns: How it ended, with its last lines; nil when it still runs.
    public func end(within limit: Duration) async -> LocalServersError? {
        await server.end(within: limit)
    }

    static func start(
        _ name: String, command: [String], environment: [String: String], isReady mark: String,
        at site: Site
    ) async throws(LocalServersError) -> LocalProgram {
        let logFile = "\(site.dataRoot)/\(name).log"
        let server = Server(
            Server.Plan(
                name: name, command: command, environment: environment, logFile: logFile,
                // A worker ends at once at the second signal.
                stopSignal: ("TERM", SIGTERM), hurrySignal: SIGTERM,
                account: ServerAccount(userID: geteuid(), groupID: getegid(), privileges: []),
                setpriv: try site.programs.path("setpriv"),
                isReady: { line(with: mark, in: logFile) != nil }),
            record: site.record)
        try await server.start(within: .seconds(60))
        return LocalProgram(readyLine: line(with: mark, in: logFile) ?? "", server: server)
    }

    private static func line(with mark: String, in file: String) -> String? {
        guard let bytes = try? Data(contentsOf: URL(filePath: file)) else { return nil }
        // A line without its end may still grow.
        let lines = String(decoding: bytes, as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        return lines.first { $0.contains(mark) }.map(String.init)
    }
}

extension LocalServers {
    /// Starts a program beside the servers, and waits until its output has a line with `mark`. End
    /// it before them.
    ///
    /// - Parameters:
    ///   - name: Its role, of letters; the output goes to `NAME.log` beside the servers' logs.
    ///   - command: The whole command; its first word is a path.
    ///   - environment: Its variables besides `PATH`, `TZ` and `LC_ALL`.
    public func startProgram(
        _ name: String, command: [String], environment: [String: String], isReady mark: String
    ) async throws(LocalServersError) -> LocalProgram {
        try await LocalProgram.start(
            name, command: command, environment: environment, isReady: mark, at: site)
    }
}
