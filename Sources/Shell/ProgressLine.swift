import SystemPackage

/// The progress of work that takes longer than a second, shown on a terminal.
///
/// Without a terminal it writes nothing. It renews the line at most five times a second.
public struct ProgressLine {
    private let start = ContinuousClock.now
    private var shownAt: ContinuousClock.Instant?
    private let isSeen = Console.hasTerminal

    public init() {}

    /// Shows the progress when a renewal is due.
    public mutating func show(_ text: @autoclosure () -> String) {
        guard isSeen else { return }
        let now = ContinuousClock.now
        guard now - start > .seconds(1), shownAt.map({ now - $0 > .milliseconds(200) }) ?? true
        else { return }
        shownAt = now
        _ = try? FileDescriptor.standardError.writeAll("\r\u{1B}[K\(text())".utf8)
    }

    /// Erases the line.
    public mutating func clear() {
        guard shownAt != nil else { return }
        shownAt = nil
        _ = try? FileDescriptor.standardError.writeAll("\r\u{1B}[K".utf8)
    }
}
