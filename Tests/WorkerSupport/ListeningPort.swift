import Synchronization
import TestSupport

/// Where a server in this process says which port it got.
package final class ListeningPort: Sendable {
    private let port = Atomic<Int>(0)

    package init() {}

    package func set(_ number: Int) { port.store(number, ordering: .releasing) }

    /// Waits for it.
    /// - Parameter server: Begins the sentence "… listens".
    package func number(of server: String) async throws -> Int {
        try await waitUntil("\(server) listens") { port.load(ordering: .acquiring) > 0 }
        return port.load(ordering: .acquiring)
    }
}
