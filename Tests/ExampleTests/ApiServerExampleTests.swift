import DatabaseSupport
import Foundation
import Glibc
import LocalServers
import Metering
import TestSupport
import Testing
import WorkerSupport

@testable import MeteringWorker

/// Examples/api-server, as it stands, asked with curl.
@Suite(.timed, .serialized) struct `Example API server` {
    @Test func `asks before it answers, and goes on without Redis`() async throws {
        try await RunningWorker.lend(["METERING_SWEEP_INTERVAL": "1h"]) { worker in
            let plan = #"{"limits":{"default":{"rate":1,"per":"1d","burst":2}}}"#
            let clinic = try await worker.database.clinic(plan)
            let unlimited = try await worker.database.clinic(nil)
            let halted = try await worker.database.clinic(plan, status: "suspended")
            let server = try await ExampleServer.start(worker)

            for left in [1, 0] {
                let reply = try await server.ask(clinic)
                #expect(reply.status == 200 && reply.text.hasSuffix("patients\n"))
                #expect(reply.field("ratelimit")?.hasPrefix("\"default\";r=\(left);t=") == true)
                #expect(reply.field("ratelimit-policy") == "\"default\";q=2;w=172800")
            }
            let denied = try await server.ask(clinic)
            #expect(denied.status == 429 && denied.text.hasSuffix("rate_limit\n"))
            #expect(denied.field("ratelimit")?.hasPrefix("\"default\";r=0;t=") == true)
            #expect(Int(denied.field("retry-after") ?? "") ?? 0 > 0)
            #expect(denied.field("x-metering-degraded") == nil)

            #expect(try await server.ask(halted).status == 200)
            #expect(try await server.ask(halted, "POST").status == 402)
            #expect(try await server.ask(nil).status == 401)
            // A lookup may take longer than a call waits.
            try await waitUntil("nobody is found") {
                try await server.ask(ClinicID(high: 1, low: 1)).status == 404
            }

            #expect(try await server.ask(unlimited).status == 200)
            await worker.redis.stop()
            let alone = try await server.ask(unlimited)
            #expect(alone.status == 200)
            #expect(alone.field("x-metering-degraded") == "true")
            try await worker.redis.start()
            var together: Int64 = 0
            var degraded: Int64 = 1
            try await waitUntil("Redis is asked again") {
                let reply = try await server.ask(unlimited)
                #expect(reply.status == 200)
                if reply.field("x-metering-degraded") == nil {
                    together += 1
                } else {
                    degraded += 1
                }
                return together > 0
            }

            // What was counted is posted at the end, and what was let through alone was counted before.
            try await waitUntil("all is in the ledger") {
                try await worker.database.counted(unlimited) == 1 + degraded + together
            }
            #expect(try await server.ask(unlimited).status == 200)
            server.process.send(SIGTERM)
            #expect(try await server.process.waitForEnd() == .exited(0))
            #expect(try await worker.database.counted(unlimited) == 2 + degraded + together)
            #expect(try await worker.database.counted(clinic) == 2)
        }
    }

    @Test func `can be built by itself from the same sources`() async throws {
        // What it takes from the package is resolved, not built: that the target of the same sources does.
        let manifest = try String(
            contentsOfFile: "\(ProjectRoot.path)/Examples/api-server/Package.swift",
            encoding: .utf8)
        let own = try String(
            contentsOfFile: "\(ProjectRoot.path)/Package.swift", encoding: .utf8)
        let page = try ProjectText.of("docs/library.md")
        for text in [manifest, page] {
            #expect(text.contains(#".package(name: "metering-worker", path: "#))
            #expect(text.contains(#".product(name: "Quotas", package: "metering-worker")"#))
        }
        // The modules that the page and the example import are those of the product.
        let product = try #require(own.firstMatch(of: /name: "Quotas",\s+targets: \[([^\]]+)\]/))
        for module in ["Counters", "Metering", "Quotas", "Redis", "Admission", "Values"] {
            #expect(product.1.contains("\"\(module)\""))
            #expect(page.contains("`\(module)`"))
        }
        for line in manifest.split(separator: "\n") where line.contains("from: ") {
            #expect(own.contains(line.trimmingCharacters(in: .whitespaces)), "\(line)")
        }
    }
}

private struct ExampleServer {
    struct Reply {
        let text: String

        var status: Int? { text.split(separator: " ").dropFirst().first.flatMap { Int($0) } }

        func field(_ name: String) -> String? {
            text.components(separatedBy: "\r\n").first { $0.lowercased().hasPrefix("\(name): ") }
                .map { String($0.dropFirst(name.count + 2)) }
        }
    }

    let process: RunningProcess
    let port: Int

    static func start(_ worker: RunningWorker) async throws -> ExampleServer {
        let process = try await RunningProcess.start(
            try Product.path("ApiServerExample"),
            environment: [
                "REDIS_URL": worker.redis.url, "METERING_KEY": worker.key, "PORT": "0",
                "METERING_URL": "http://127.0.0.1:\(worker.port)", "REDIS_TIMEOUT_MS": "5000",
            ])
        let line = try await process.line(containing: "ready on port ")
        return ExampleServer(
            process: process, port: try #require(Int(line.split(separator: " ").last ?? "")))
    }

    func ask(_ clinic: ClinicID?, _ method: String = "GET") async throws -> Reply {
        let field = clinic.map { ["-H", "X-Clinic-Id: \($0)"] } ?? []
        let run = try await RunningProcess.run(
            "curl",
            ["-sS", "-i", "--noproxy", "*", "--max-time", "30", "-X", method] + field
                + ["http://127.0.0.1:\(port)/patients"])
        try #require(run.ending == .exited(0), "\(run.errors)")
        return Reply(text: run.output)
    }
}
