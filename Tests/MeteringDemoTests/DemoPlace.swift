import Foundation
import LocalServers
import TestSupport

/// A directory of its own to run the demo in; its name holds blanks.
struct DemoPlace: Sendable {
    private let directory: TemporaryDirectory

    init() async throws {
        try await MonthEnd.pass()
        directory = try TemporaryDirectory("of a demo with blanks")
    }

    func remove() { directory.remove() }

    /// What a run that ended with 0 printed.
    struct Run: Sendable {
        let output: String
        let errors: String

        var errorLines: [String] { errors.split(separator: "\n").map(String.init) }

        /// `denied by quota: 289` → 289 by `quota`.
        var denied: [String: Int] {
            get throws {
                let mark = "denied by "
                let told = errorLines.filter { $0.hasPrefix(mark) }.map { line in
                    let parts = line.dropFirst(mark.count).components(separatedBy: ": ")
                    return (parts[0], Int(parts[1]) ?? -1)
                }
                return Dictionary(uniqueKeysWithValues: told)
            }
        }
    }

    func start(_ arguments: [String]) async throws -> RunningProcess {
        try await RunningProcess.start(
            try Product.path("metering-worker"), ["demo"] + arguments,
            workingDirectory: directory.path)
    }

    /// Like `start`, but with a terminal, whose text becomes the output.
    func startOnTerminal(_ arguments: [String]) async throws -> RunningProcess {
        let words = [try Product.path("metering-worker"), "demo"] + arguments
        let command = words.map { "'\($0)'" }.joined(separator: " ")
        return try await RunningProcess.start(
            "script", ["-qefc", command, "/dev/null"], workingDirectory: directory.path)
    }

    func run(_ arguments: [String]) async throws -> Run {
        let process = try await start(arguments)
        let ending = try await process.waitForEnd(within: .seconds(120))
        guard ending == .exited(0) else {
            throw TestFailure("demo ended with \(ending): \(process.errors)")
        }
        return Run(output: process.output, errors: process.errors)
    }

    /// Writes a log, and returns its path.
    func write(_ log: String) throws -> String {
        let path = "\(directory.path)/some access.log"
        try Data(log.utf8).write(to: URL(filePath: path))
        return path
    }

    /// The log with gzip.
    func packed(_ log: ExpectedLog) async throws -> String {
        let path = "\(directory.path)/packed access.log"
        try FileManager.default.copyItem(atPath: log.path, toPath: path)
        let run = try await RunningProcess.run("gzip", [path])
        guard run.ending == .exited(0) else { throw TestFailure(run.errors) }
        return "\(path).gz"
    }

    /// Puts the sample log where a demo without `--access-log` looks for it.
    func bringSample(_ log: ExpectedLog) throws {
        try FileManager.default.createDirectory(
            atPath: "\(directory.path)/Examples", withIntermediateDirectories: false)
        try FileManager.default.copyItem(
            atPath: log.path, toPath: "\(directory.path)/Examples/access.log")
    }

    /// A named pipe that nobody writes to.
    func pipe() async throws -> String {
        let path = "\(directory.path)/pipe.log"
        let run = try await RunningProcess.run("mkfifo", [path])
        guard run.ending == .exited(0) else { throw TestFailure(run.errors) }
        return path
    }

    /// The servers of the demo that runs now, from the record that the next run would find.
    func servers() throws -> [ProcessIdentity] {
        try recorded().filter { $0.name != "owner" }.map(\.process)
    }

    /// The worker among them.
    func worker() throws -> ProcessIdentity {
        guard let worker = try recorded().first(where: { $0.name == "worker" })
        else { throw TestFailure("the demo's record names no worker") }
        return worker.process
    }

    private func recorded() throws -> [(name: Substring, process: ProcessIdentity)] {
        let record = try String(
            contentsOfFile: "\(directory.path)/.local/demo/processes", encoding: .utf8)
        return record.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ")
            guard fields.count == 3, let pid = Int32(fields[1]), let start = UInt64(fields[2])
            else { return nil }
            return (fields[0], ProcessIdentity(pid: pid, startTime: start))
        }
    }
}

/// The example log, and what its generator says is in it.
struct ExpectedLog: Sendable {
    let path = "\(ProjectRoot.path)/Examples/access.log"
    /// Calls by host.
    let calls: [String: Int]
    let malformed: Int

    var total: Int { calls.values.reduce(0, +) }

    /// The last line of a demo without limits.
    var sentence: String { sentence(denied: 0) }

    func sentence(denied: Int) -> String {
        "lines \(total + malformed) = calls \(total) + malformed \(malformed); "
            + "allowed \(total - denied), denied \(denied)"
    }

    init() throws {
        var calls: [String: Int] = [:]
        var malformed: Int?
        let table = try String(contentsOfFile: "\(path).expected", encoding: .utf8)
        for line in table.split(separator: "\n") {
            let host = line.split(separator: "\t")
            if host.count == 2 {
                calls[String(host[0])] = Int(host[1])
            } else {
                malformed = line.split(separator: " ").last.flatMap { Int($0) }
            }
        }
        guard let malformed, calls.count > 50 else {
            throw TestFailure("\(path).expected is not what it was")
        }
        (self.calls, self.malformed) = (calls, malformed)
    }
}
