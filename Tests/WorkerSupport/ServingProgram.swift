package import TestSupport

/// The worker's program, which listens.
package struct ServingProgram: Sendable {
    package let process: RunningProcess
    package let port: Int

    package var isReady: Bool { get async { await Self.isReady(port: port) } }

    /// Whether `/readyz` says so. A connection that is refused or reset says no: the worker starts,
    /// or ends.
    package static func isReady(port: Int) async -> Bool {
        let status = try? await HTTPWire.talk(to: port) { try await $0.get("/readyz").status }
        return status == 200
    }
}
