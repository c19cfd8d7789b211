import FoundationEssentials
import LocalServers
import Shell
import Subprocess
import SystemPackage

/// The `metering-worker` that is installed beside this program, with the settings of the demo's
/// servers.
struct DemoWorker: Sendable {
    private let path: String
    private let environment: [String: String]

    struct Failed: Error, CustomStringConvertible {
        let command: String
        let reason: String

        var description: String { "metering-worker \(command) failed: \(reason)" }
    }

    /// - Parameters:
    ///   - database: The database, with the worker's login.
    ///   - redis: The Redis that counts.
    init(database: String, redis: String) throws {
        path = try InstalledProgram.path("metering-worker")
        environment = [
            "DATABASE_URL": database, "REDIS_URL": redis, "HTTP_PORT": "0", "HTTP_ADMIN": "false",
            "LOG_LEVEL": "error", "METERING_CHECK_TIMEOUT": "5s",
            // Redis decides every call, however slow the machine is.
            "METERING_ON_OUTAGE": "deny", "METERING_LOAD_TIMEOUT": "3s",
            "METERING_UNKNOWN_PER_SECOND": "1000", "METERING_SHUTDOWN_TIMEOUT": "10s",
        ]
    }

    /// Runs a command that ends, and returns what it printed on stdout.
    ///
    /// - Parameter url: `DATABASE_URL` of this command, where it needs more rights than the worker
    ///   has.
    func run(_ arguments: [String], database url: String? = nil) async throws -> String {
        let settings = environment.merging(["DATABASE_URL": url].compactMapValues(\.self)) { $1 }
        let base = ["PATH": "/usr/bin:/bin", "TZ": "UTC", "LC_ALL": "C.UTF-8"]
        let result = try await Subprocess.run(
            .path(FilePath(path)), arguments: Arguments(arguments),
            environment: .only(base.merging(settings) { $1 }),
            input: .none, output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
        guard result.terminationStatus.isSuccess else {
            throw Failed(
                command: arguments.joined(separator: " "),
                reason: Console.oneLine(result.standardError))
        }
        return result.standardOutput
    }

    /// Starts `serve`, lends the port on which it listens, and ends it.
    ///
    /// - Throws: `LocalServersError.ended` as soon as the worker ends by itself.
    func serve(
        beside servers: LocalServers, _ body: @escaping @Sendable (Int) async throws -> Void
    ) async throws {
        let mark = "listening on http://127.0.0.1:"
        let worker = try await servers.startProgram(
            "worker", command: [path, "serve"], environment: environment, isReady: mark)
        do {
            guard
                let port = worker.readyLine.components(separatedBy: mark).last.flatMap({ Int($0) })
            else { throw Failed(command: "serve", reason: "no port in \(worker.readyLine)") }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await body(port) }
                group.addTask { try await Self.watch(worker) }
                defer { group.cancelAll() }
                try await group.next()
            }
        } catch {
            // A check that fails because the worker is gone says less than the worker's end.
            let end = await worker.end(within: .milliseconds(500))
            await worker.stop()
            throw end ?? error
        }
        await worker.stop()
    }

    /// Throws when the worker has ended, and returns when the task is cancelled.
    private static func watch(_ worker: LocalProgram) async throws {
        while !Task.isCancelled {
            if let end = await worker.end(within: .zero) { throw end }
            try await Task.sleep(for: .milliseconds(100))
        }
    }
}
