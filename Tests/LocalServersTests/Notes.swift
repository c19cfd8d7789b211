import Synchronization

/// Collects what `LocalServers` notes for people.
final class Notes: Sendable {
    private let collected = Mutex<[String]>([])

    var lines: [String] { collected.withLock(\.self) }

    var add: @Sendable (String) -> Void {
        { line in self.collected.withLock { $0.append(line) } }
    }
}
