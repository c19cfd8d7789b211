import FoundationEssentials
import Glibc
import Subprocess
import Synchronization
import SystemPackage

/// One server: its start, its readiness check and its end.
final class Server: Sendable {
    /// What does not change from one start to the next.
    struct Plan: Sendable {
        let name: String
        /// The whole command; its first word is a path.
        let command: [String]
        /// Added to what every server gets.
        var environment: [String: String] = [:]
        let logFile: String
        /// What the kernel sends the server when this process dies, and `stop` sends first.
        let stopSignal: (name: String, number: Int32)
        /// The signal that follows when the first did not help; SIGKILL is the last.
        let hurrySignal: Int32
        let account: ServerAccount
        let setpriv: String
        /// Asks the server once whether it serves.
        let isReady: @Sendable () async -> Bool
    }

    let plan: Plan
    private let record: RunRecord
    private let current = Mutex<ProcessIdentity?>(nil)
    /// How the process that ended last did so.
    private let lastEnd = Mutex<(pid: Int32, status: TerminationStatus)?>(nil)

    init(_ plan: Plan, record: RunRecord) {
        self.plan = plan
        self.record = record
    }

    /// The running process; nil when there is none.
    var process: ProcessIdentity? {
        current.withLock(\.self).flatMap { $0.isAlive ? $0 : nil }
    }

    /// Starts the server, unless it runs, and waits until it serves.
    func start(within limit: Duration) async throws(LocalServersError) {
        if process != nil { return }
        let process = try await launch()
        current.withLock { $0 = process }
        try record.set(plan.name, to: process)
        do {
            try await waitUntilReady(process, within: limit)
        } catch {
            await stop()
            throw error
        }
    }

    /// Ends the server with `stopSignal`, then `hurrySignal`, then SIGKILL. Returns when it is
    /// gone.
    func stop() async {
        guard let process = current.withLock(\.self) else { return }
        let (first, second) = (plan.stopSignal.number, plan.hurrySignal)
        // A cancelled caller still wants its server ended.
        await Task {
            await process.end(with: [(first, .seconds(20)), (second, .seconds(10))])
        }.value
        current.withLock { $0 = nil }
        try? record.set(plan.name, to: nil)
    }

    /// Looks for `limit` whether the server ends without `stop`.
    /// - Returns: How it ended, with its last lines; nil when it still runs.
    func end(within limit: Duration) async -> LocalServersError? {
        guard let process = current.withLock(\.self), await process.hasEnded(within: limit)
        else { return nil }
        // A process has ended a moment before its parent knows how.
        let deadline = ContinuousClock.now + .seconds(1)
        while true {
            let end = lastEnd.withLock(\.self)
            if let end, end.pid == process.pid {
                return .ended(server: plan.name, how: Self.text(end.status), log: lastLines())
            }
            guard ContinuousClock.now < deadline, !Task.isCancelled else { break }
            try? await Task.sleep(for: .milliseconds(10))
        }
        return .ended(server: plan.name, how: "exit code unknown", log: lastLines())
    }

    private static func text(_ status: TerminationStatus) -> String {
        switch status {
        case .exited(let code): "exit code \(code)"
        case .signaled(let number): "signal \(number)"
        }
    }

    /// Spawns the command and returns as soon as it has a process id.
    ///
    /// The kernel ties a parent-death signal to the *thread* that forked. Subprocess forks on one
    /// thread of its own that lives until this process exits, so the server outlives the thread
    /// that started it. `setpriv` sets the signal after it has changed user, because that
    /// change would clear it.
    private func launch() async throws(LocalServersError) -> ProcessIdentity {
        let base = ["LC_ALL": "C.UTF-8", "TZ": "UTC", "PATH": "/usr/bin:/bin"]
        let (started, report) = AsyncThrowingStream<Int32, any Error>.makeStream()
        let log = try openLog()
        let options = ["--pdeathsig=\(plan.stopSignal.name)"] + plan.account.privileges + ["--"]
        let configuration = Configuration(
            executable: .path(FilePath(plan.setpriv)),
            arguments: Arguments(options + plan.command),
            environment: .only(base.merging(plan.environment) { _, own in own }),
            workingDirectory: "/",
            platformOptions: Self.ownSession)
        Task {
            do {
                let run = try await Subprocess.run(
                    configuration, input: .none,
                    output: .fileDescriptor(log, closeAfterSpawningProcess: true),
                    error: .combinedWithOutput
                ) { report.yield($0.processIdentifier.value) }
                lastEnd.withLock { $0 = (run.processIdentifier.value, run.terminationStatus) }
                report.finish()
            } catch {
                report.finish(throwing: error)
            }
        }
        do {
            for try await pid in started {
                if let process = ProcessIdentity.living(pid) { return process }
            }
            throw failure("it ended at once")
        } catch let error as LocalServersError {
            throw error
        } catch {
            throw failure("\(error)")
        }
    }

    /// Ctrl-C on the terminal is for the worker, which ends its servers last.
    private static var ownSession: PlatformOptions {
        var options = PlatformOptions()
        options.createSession = true
        return options
    }

    private func waitUntilReady(
        _ process: ProcessIdentity, within limit: Duration
    ) async throws(LocalServersError) {
        let deadline = ContinuousClock.now + limit
        while true {
            guard process.isAlive else { throw failure("it ended at once") }
            if await plan.isReady() { return }
            guard ContinuousClock.now < deadline, !Task.isCancelled else {
                throw .notReady(server: plan.name, after: limit, log: lastLines())
            }
            try? await Task.sleep(for: .milliseconds(20))
        }
    }

    /// A fresh log for each start; the one before it is kept beside it.
    private func openLog() throws(LocalServersError) -> FileDescriptor {
        rename(plan.logFile, "\(plan.logFile).old")
        do {
            return try FileDescriptor.open(
                FilePath(plan.logFile), .writeOnly,
                options: [.create, .truncate, .append, .closeOnExec, .noFollow],
                permissions: .ownerReadWrite)
        } catch {
            throw .directoryUnusable(plan.logFile, reason: "\(error)")
        }
    }

    private func failure(_ reason: String) -> LocalServersError {
        .startFailed(server: plan.name, reason: reason, log: lastLines())
    }

    private func lastLines() -> [String] {
        let bytes = (try? Data(contentsOf: URL(filePath: plan.logFile))) ?? Data()
        let lines = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline)
        return lines.suffix(8).map(String.init)
    }
}
