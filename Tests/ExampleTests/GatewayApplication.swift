import Foundation
import TestSupport
import WorkerSupport

/// The application behind a proxy, which knows whether it was asked.
struct GatewayApplication {
    private let process: RunningProcess
    let port: Int

    static func start() async throws -> GatewayApplication {
        let process = try await RunningProcess.start(
            "python3", ["Tests/Python/serve_application.py"],
            environment: ["PYTHONDONTWRITEBYTECODE": "1"])
        let line = try await process.line(containing: "port ")
        guard let port = Int(line.split(separator: " ").last ?? "") else {
            throw TestFailure("no port in: \(line)")
        }
        return GatewayApplication(process: process, port: port)
    }

    /// How many requests reached it.
    func asked() async throws -> Int {
        let reply = try await HTTPWire.talk(to: port) { wire in
            try await wire.send("GET /asked HTTP/1.1\r\nHost: test\r\n\r\n")
            return try await wire.reply()
        }
        guard let count = Int(reply.body.dropLast()) else {
            throw TestFailure("the application did not count: \(reply.body)")
        }
        return count
    }
}
