import Synchronization

/// The work that failed when the process stopped.
final class ShutdownFailures: Sendable {
    private let failed = Mutex<[String]>([])

    func noteFailure(of name: String) {
        failed.withLock { $0.append(name) }
    }

    var failures: [String] { failed.withLock { $0 } }
}
