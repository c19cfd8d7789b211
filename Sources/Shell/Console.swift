import FoundationEssentials
import Glibc
public import Logging
import Synchronization
import SystemPackage

/// The two streams of a program: results on stdout, all else on stderr.
public enum Console {
    /// Writes to stdout; throws `Errno.brokenPipe` when its reader is gone.
    public static func write(_ bytes: some Sequence<UInt8>) throws {
        try FileDescriptor.standardOutput.writeAll(bytes)
    }

    public static func write(_ text: String) throws { try write(text.utf8) }

    /// Writes a line to stderr, `program: text`. A closed stderr is no error: no caller could fix
    /// it.
    ///
    /// - Parameter level: How the line is marked where lines are JSON.
    public static func note(_ line: String, level: Logger.Level = .notice) {
        guard notesAreJSON.load(ordering: .relaxed) else { return writeLine(line) }
        let parts = line.split(separator: ": ", maxSplits: 1)
        let hasLabel = parts.count == 2 && !parts[0].contains(" ")
        writeLine(
            LogRecord(
                time: Date(), level: level, label: hasLabel ? String(parts[0]) : "",
                message: hasLabel ? String(parts[1]) : line, metadata: [:]
            ).text)
    }

    /// From now on each note is a JSON object, like a log record, so that stderr holds nothing
    /// else.
    public static func noteInJSON() { notesAreJSON.store(true, ordering: .relaxed) }

    private static let notesAreJSON = Atomic<Bool>(false)
    private static let isWriting = Mutex<Void>(())

    /// One line at a time, because a long line is written in pieces.
    static func writeLine(_ line: String) {
        isWriting.withLock { _ in
            _ = try? FileDescriptor.standardError.writeAll("\(line)\n".utf8)
        }
    }

    /// Whether a person reads stderr.
    public static var hasTerminal: Bool { isatty(FileDescriptor.standardError.rawValue) == 1 }

    /// Whether a person reads both streams on a terminal.
    public static var isOneTerminal: Bool {
        hasTerminal && isatty(FileDescriptor.standardOutput.rawValue) == 1
    }

    /// Asks on the terminal; nil when there is none. Everything but `y` or `yes` is no.
    public static func asks(_ question: String) -> Bool? {
        guard hasTerminal, isatty(FileDescriptor.standardInput.rawValue) == 1 else { return nil }
        _ = try? FileDescriptor.standardError.writeAll("\(question) [y/N] ".utf8)
        return ["y", "yes"].contains(readLine()?.lowercased())
    }

    /// A message of several lines as one, so that a log of many programs stays readable.
    public static func oneLine(_ text: String) -> String {
        text.split(whereSeparator: \.isNewline)
            .map { $0.trimmingPrefix(while: \.isWhitespace) }.joined(separator: "; ")
    }
}
