import FoundationEssentials
import Glibc
public import LocalServers
import Subprocess
import Synchronization
import SystemPackage

/// A real program, started by a test, watched and ended by it. It dies with the test process.
///
/// What it prints goes to two files, so that it never waits for its reader and its bytes stay as they were.
public final class RunningProcess: Sendable {
    /// How a process ended.
    public enum Ending: Sendable, Hashable {
        case exited(Int32)
        case signalled(Int32)
    }

    public let pid: Int32
    /// The same with its start time; nil when it had ended before that could be read.
    public let process: ProcessIdentity?
    private let files: TemporaryDirectory
    private let ending: Outcome

    private init(pid: Int32, files: TemporaryDirectory, ending: Outcome) {
        self.pid = pid
        process = ProcessIdentity.living(pid)
        self.files = files
        self.ending = ending
    }

    deinit {
        process?.send(SIGKILL)
        files.remove()
    }

    /// Starts a program with nothing on its standard input.
    /// - Parameters:
    ///   - program: A path; `Product.path` gives those of this package.
    ///   - environment: Added to this process's own; nil takes a variable away.
    public static func start(
        _ program: String, _ arguments: [String] = [], environment: [String: String?] = [:],
        workingDirectory: String = ProjectRoot.path
    ) async throws -> RunningProcess {
        let files = try TemporaryDirectory("output")
        let (started, report) = AsyncThrowingStream<Int32, any Error>.makeStream()
        let changes = environment.map { (Environment.Key(stringLiteral: $0.key), $0.value) }
        let configuration = Configuration(
            executable: .name("setpriv"),
            arguments: Arguments(["--pdeathsig=KILL", "--", program] + arguments),
            environment: .inherit.updating(Dictionary(uniqueKeysWithValues: changes)),
            workingDirectory: FilePath(workingDirectory))
        let (output, errors) = try (files.newFile("output"), files.newFile("errors"))
        let ending = Outcome()
        Task {
            do {
                let result = try await Subprocess.run(
                    configuration, input: .none,
                    output: .fileDescriptor(output, closeAfterSpawningProcess: true),
                    error: .fileDescriptor(errors, closeAfterSpawningProcess: true)
                ) { report.yield($0.processIdentifier.value) }
                ending.set(result.terminationStatus)
                report.finish()
            } catch {
                report.finish(throwing: error)
            }
        }
        for try await pid in started {
            return RunningProcess(pid: pid, files: files, ending: ending)
        }
        throw WaitedInVain(description: "\(program) did not start")
    }

    /// Runs a program to its end.
    public static func run(
        _ program: String, _ arguments: [String] = [], environment: [String: String?] = [:],
        workingDirectory: String = ProjectRoot.path, within limit: Duration = .seconds(120)
    ) async throws -> (ending: Ending, output: String, errors: String) {
        let process = try await start(
            program, arguments, environment: environment, workingDirectory: workingDirectory)
        let ending = try await process.waitForEnd(within: limit)
        return (ending, process.output, process.errors)
    }

    /// Sends it a signal, if it has not ended.
    public func send(_ signal: Int32) {
        process?.send(signal)
    }

    /// How it ended; nil while it runs.
    public var endingSoFar: Ending? { ending.value }

    /// Waits for its end; on failure says what it printed last.
    public func waitForEnd(within limit: Duration = .seconds(60)) async throws -> Ending {
        do {
            try await waitUntil("process \(pid) ends", within: limit) { ending.value != nil }
        } catch let error as WaitedInVain {
            throw WaitedInVain(
                description: "\(error); it said:\n\(errorLines.suffix(20).joined(separator: "\n"))")
        }
        return ending.value ?? .exited(-1)
    }

    /// Waits until it has printed a line that holds `part`, on either stream, and returns that line.
    public func line(
        containing part: String, within limit: Duration = .seconds(60)
    ) async throws -> String {
        var found: String?
        try await waitUntil("process \(pid) prints \(part)", within: limit) {
            found = (errorLines + outputLines).first { $0.contains(part) }
            return found != nil || ending.value != nil
        }
        if let found { return found }
        throw WaitedInVain(
            description: "process \(pid) ended without printing \(part); it said:\n\(errors)")
    }

    /// What it has printed so far.
    public var output: String { files.text("output") }
    public var errors: String { files.text("errors") }
    public var outputLines: [String] { output.split(separator: "\n").map(String.init) }
    public var errorLines: [String] { errors.split(separator: "\n").map(String.init) }
}

/// How the process ended, once it has.
private final class Outcome: Sendable {
    private let ending = Mutex<RunningProcess.Ending?>(nil)

    var value: RunningProcess.Ending? { ending.withLock(\.self) }

    func set(_ status: TerminationStatus) {
        ending.withLock { ending in
            switch status {
            case .exited(let code): ending = .exited(code)
            case .signaled(let number): ending = .signalled(number)
            }
        }
    }
}

extension TemporaryDirectory {
    fileprivate func newFile(_ name: String) throws -> FileDescriptor {
        try FileDescriptor.open(
            FilePath("\(path)/\(name)"), .writeOnly,
            options: [.create, .append, .closeOnExec], permissions: .ownerReadWrite)
    }

    fileprivate func text(_ name: String) -> String {
        let bytes = (try? Data(contentsOf: URL(filePath: "\(path)/\(name)"))) ?? Data()
        return String(decoding: bytes, as: UTF8.self)
    }
}
