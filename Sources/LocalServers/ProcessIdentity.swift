import FoundationEssentials
import Glibc

/// One process for good: its id and the moment it started, so that a reused id is never mistaken
/// for it.
public struct ProcessIdentity: Sendable, Hashable {
    /// The process id.
    public let pid: Int32
    /// Clock ticks between the boot of the machine and the start of the process: field 22 of
    /// `/proc/PID/stat`.
    public let startTime: UInt64

    public init(pid: Int32, startTime: UInt64) {
        self.pid = pid
        self.startTime = startTime
    }

    /// The process that runs this code.
    public static var current: ProcessIdentity? { living(getpid()) }

    /// The process that has this id now; nil when none has.
    public static func living(_ pid: Int32) -> ProcessIdentity? {
        guard let status = Status(of: pid), !status.hasEnded else { return nil }
        return ProcessIdentity(pid: pid, startTime: status.startTime)
    }

    /// Whether this very process lives. One that ended and waits to be reaped does not.
    public var isAlive: Bool { Self.living(pid) == self }

    /// Sends a signal, if the process lives.
    public func send(_ signal: Int32) {
        guard isAlive else { return }
        _ = kill(pid, signal)
    }

    /// Waits for the end of the process, looking every 10 ms.
    /// - Returns: Whether it ended in time.
    public func hasEnded(within limit: Duration) async -> Bool {
        let deadline = ContinuousClock.now + limit
        while isAlive {
            guard ContinuousClock.now < deadline, !Task.isCancelled else { return !isAlive }
            try? await Task.sleep(for: .milliseconds(10))
        }
        return true
    }

    /// Ends the process: each signal in turn gets its time, then SIGKILL.
    func end(with steps: [(signal: Int32, patience: Duration)]) async {
        send(SIGCONT)  // A stopped process would not receive the first signals.
        for step in steps {
            send(step.signal)
            if await hasEnded(within: step.patience) { return }
        }
        send(SIGKILL)
        _ = await hasEnded(within: .seconds(10))
    }
}

/// The two fields of `/proc/PID/stat` that matter here.
private struct Status {
    let hasEnded: Bool
    let startTime: UInt64

    init?(of pid: Int32) {
        guard let bytes = try? Data(contentsOf: URL(filePath: "/proc/\(pid)/stat")) else {
            return nil
        }
        // The second field is the program's name in parentheses and may itself hold blanks and ")".
        let text = String(decoding: bytes, as: UTF8.self)
        guard let nameEnd = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: nameEnd)...].split(separator: " ")
        guard fields.count > 19, let start = UInt64(fields[19]) else { return nil }
        hasEnded = ["Z", "X"].contains(fields[0])
        startTime = start
    }
}
