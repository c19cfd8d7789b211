import Ledger
import Metering
import NIOCore
import ServiceLifecycle
import TestSupport
import Testing
import WorkerSupport

@testable import MeteringWorker

extension RunningWorker {
    /// A key that this worker knows already.
    func newKey(_ scopes: Set<StoredKey.Scope>, clinics: [ClinicID] = []) async throws -> String {
        let key = try await database.makeKey(scopes, clinics: clinics)
        try await waitUntil("the worker knows the new key") {
            worker.keys.owner(authorization: "Bearer \(key)") != nil
        }
        return key
    }

    /// The server still does its work: the last line of every test that mistreats it.
    func expectServing(sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let health = try await request("GET", "/healthz", key: nil)
        #expect(health.status == 200, sourceLocation: sourceLocation)
        #expect(health.body == "{\"status\":\"alive\"}\n", sourceLocation: sourceLocation)
    }

    /// Serves the same worker on a second port, with another time to wait for a head.
    func serve(idle: TimeAmount, _ body: (Int) async throws -> Void) async throws {
        let port = ListeningPort()
        let server = worker.listener(tls: nil, idle: idle) { port.set($0) }
        let services = ServiceGroup(
            configuration: .init(services: [.init(service: server)], logger: .silent))
        try await withResource(
            { Task { try await services.run() } },
            release: { running in
                await services.triggerGracefulShutdown()
                try await running.value
            }
        ) { _ in
            try await body(try await port.number(of: "the second server"))
        }
    }
}
