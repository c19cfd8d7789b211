import Admission
import DatabaseSupport
import Foundation
import LocalServers
import Metering
import NIOCore
import NIOPosix
import Quotas
import Redis
import Synchronization
import TestSupport
import Testing
import WorkerSupport

@testable import MeteringWorker

/// A family as Prometheus's own parser read it.
private struct Family: Decodable {
    let type: String
    let samples: [Sample]

    struct Sample: Decodable {
        let name: String
        let labels: [String: String]
        let value: Double

        init(from decoder: any Decoder) throws {
            var parts = try decoder.unkeyedContainer()
            name = try parts.decode(String.self)
            labels = try parts.decode([String: String].self)
            value = try parts.decode(Double.self)
        }
    }
}

/// A page of metrics, read by Prometheus's own parser.
private struct ScrapedPage {
    let families: [String: Family]

    init(_ text: String) async throws {
        let run = try await OutsideReader.python("read_metrics.py", text)
        guard run.ending == .exited(0) else { throw TestFailure(run.errors) }
        families = try JSONDecoder().decode(
            [String: Family].self, from: Data(run.output.utf8))
    }

    /// The value of the series whose labels hold these; nil when there is none.
    func value(_ name: MetricName, _ labels: [String: String] = [:]) -> Double? {
        let family =
            name.rawValue.hasSuffix("_total") ? name.rawValue.dropLast(6) : name.rawValue[...]
        return families[String(family)]?.samples.first { sample in
            sample.name == name.rawValue && labels.allSatisfy { sample.labels[$0.key] == $0.value }
        }?.value
    }
}

extension ServingProgram {
    /// The port of `/metrics`.
    fileprivate var adminPort: Int {
        get async throws {
            let line = try await process.line(containing: "metrics at http://127.0.0.1:")
            guard
                let port = line.firstMatch(of: /127\.0\.0\.1:(\d+)\/metrics/).flatMap({ Int($0.1) })
            else { throw TestFailure("no port in: \(line)") }
            return port
        }
    }
}

@Suite(.timed) struct `Metrics of a worker` {
    @Test func `tell Prometheus what happened, in a page that its own tools take`() async throws {
        try await ProgramSite.lend(clinics: 2) { site in
            let worker = try await site.serve()
            let port = try await worker.adminPort
            for count in 1...3 {
                let reply = try await check(site, site.clinics[count % 2], at: worker.port)
                #expect(reply.status == 200)
            }
            let stranger = try await check(
                site, "00000000-0000-4000-8000-000000000000", at: worker.port)
            #expect(stranger.status == 404)
            try await waitUntil("PostgreSQL was asked for its figures") {
                try await get("/metrics", port).body.contains("metering_workers")
            }
            let reply = try await get("/metrics", port)
            #expect(reply.status == 200)
            #expect(reply.field("content-type") == "text/plain; version=0.0.4; charset=utf-8")

            let page = try await ScrapedPage(reply.body)
            #expect(page.value(.checks, ["mode": "consume", "verdict": "allowed"]) != nil)
            #expect(page.value(.checks, ["reason": "no_subscription"]) == 3)
            #expect(page.value(.checks, ["verdict": "unknown", "reason": "clinic"]) == 1)
            #expect(page.families["metering_check_duration_seconds"]?.type == "histogram")
            #expect(page.value(.redisServing) == 1)
            #expect(page.value(.ready) == 1)
            #expect(page.value(.buildInfo, ["version": "0.1.0"]) == 1)
            #expect(try #require(page.value(.redisCommands)) >= 4)
            #expect(try #require(page.value(.processResident)) > 1_000_000)
            for job in ["checkpoint", "sweep", "roll-up", "upkeep", "standing", "watch"] {
                #expect(page.value(.jobAge, ["job": job]) != nil, "\(job)")
            }
            for site in site.clinics { #expect(!reply.body.contains(site)) }

            if OutsideReader.hasPromtool {
                let tool = try await OutsideReader.promtoolMetrics(reply.body)
                #expect(tool.ending == .exited(0))
                #expect(tool.output + tool.errors == "")
            }
            try await expectAllNames(page, beside: [.rollupAge, .reportAge])
        }
    }

    /// Every metric has a series soon after the start, but those that wait for a first event.
    private func expectAllNames(_ page: ScrapedPage, beside: Set<MetricName>) async throws {
        for name in MetricName.allCases where !beside.contains(name) && name != .attention {
            let family =
                name.rawValue.hasSuffix("_total") ? name.rawValue.dropLast(6) : name.rawValue[...]
            #expect(page.families[String(family)] != nil, "\(name.rawValue)")
        }
    }

    @Test func `show an outage of Redis and the new epochs after it`() async throws {
        try await RunningWorker.lend(["METERING_ON_OUTAGE": "deny"]) { site in
            let clinic = try await site.database.clinic("{}")
            #expect(try await site.check(clinic).status == 200)
            _ = try await site.worker.redis.send(RedisCommand("FLUSHALL", []), timeout: .seconds(5))
            #expect(try await site.check(clinic).status == 200)
            #expect(site.worker.gate.marks.newEpochs == 1)
            #expect(page(of: site).contains("metering_epochs_seen_total 1\n"))
            await site.redis.stop()
            try await waitUntil("the page says that Redis is away") {
                page(of: site).contains("metering_redis_serving 0\n")
            }
            #expect(page(of: site).contains("metering_ready 0\n"))
            _ = try await site.check(clinic)
            #expect(
                page(of: site).contains(
                    #"{mode="consume",verdict="failed",reason="redis_unavailable"} "#))
        }
    }

    private func page(of site: RunningWorker) -> String {
        site.worker.metricSources.page()
    }

    @Test func `come from a listener of their own, which takes no more than it must`() async throws
    {
        try await ProgramSite.lend(clinics: 1) { site in
            let worker = try await site.serve()
            let port = try await worker.adminPort
            #expect(try await get("/healthz", port).status == 200)
            #expect(try await get("/readyz", port).status == 200)
            #expect(try await get("/v1/check", port).status == 404)
            #expect(try await get("/metrics/", port).status == 404)
            #expect(try await get("/metrics", worker.port).status == 404)
            let head = try await talk(
                "HEAD /metrics HTTP/1.1\r\nHost: test\r\n\r\n", port, hasBody: false)
            #expect(head.status == 200 && head.body.isEmpty)
            let post = try await talk(
                "POST /metrics HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\n\r\n", port)
            #expect(post.status == 405)
            #expect(post.field("allow") == "GET, HEAD")
            let bomb = (0..<100).map { "X-\($0): a\r\n" }.joined()
            await #expect(throws: (any Error).self) {
                let reply = try await talk(
                    "GET /metrics HTTP/1.1\r\nHost: test\r\n\(bomb)\r\n", port)
                if reply.status >= 400 { throw TestFailure("refused") }
            }
            #expect(try await get("/metrics", port).status == 200)
        }
    }

    @Test func `cut who sends no whole request in time`() async throws {
        try await ConnectedWorker.lend { site in
            let worker = site.worker
            let port = PortNumber()
            let server = AdminServer(
                worker.metricSources,
                settings: .init(host: "127.0.0.1", port: 0, allowsPlaintext: false),
                requestTimeout: .milliseconds(300), idle: .milliseconds(300),
                group: worker.group, logger: .silent
            ) { port.value.store($0, ordering: .releasing) }
            let running = Task { try await server.run() }
            try await waitUntil("it listens") { port.value.load(ordering: .acquiring) > 0 }
            // However the end is seen: as a close or as a reset.
            await #expect(throws: (any Error).self) {
                try await HTTPWire.talk(to: port.value.load(ordering: .acquiring)) { wire in
                    try await wire.send("GET /metrics HTTP/1.1\r\nHost:")
                    _ = try await wire.reply(hasBody: true)
                }
            }
            running.cancel()
            _ = await running.result
        }
    }

    @Test func `stay on this machine unless the settings say otherwise`() async throws {
        try await ProgramSite.lend(clinics: 0) { site in
            let base = [
                "DATABASE_URL": site.database.url(), "REDIS_URL": site.redis.url,
                "LOG_LEVEL": "error",
            ]
            for (wrong, part) in [
                (["HTTP_ADMIN_HOST": "0.0.0.0"], "HTTP_ALLOW_PLAINTEXT=true"),
                (
                    ["HTTP_ADMIN_HOST": "192.0.2.1", "HTTP_ALLOW_PLAINTEXT": "true"],
                    "HTTP_ADMIN_PORT"
                ),
            ] {
                let run = try await Program.run(
                    ["metering-worker", "serve"], base.merging(wrong) { $1 })
                #expect(run.ending == .exited(1))
                #expect(run.errors.contains(part), "\(run.errors)")
            }
            let open = try await site.serve([
                "HTTP_ADMIN_HOST": "0.0.0.0", "HTTP_ALLOW_PLAINTEXT": "true",
            ])
            _ = try await open.process.line(containing: "metrics at http://0.0.0.0:")
            let off = try await site.serve(["HTTP_ADMIN": "false"])
            #expect(await off.isReady)
            #expect(!off.process.errors.contains("metrics at"))
        }
    }

    private func check(
        _ site: ProgramSite, _ clinic: String, at port: Int
    ) async throws -> HTTPWire.Reply {
        try await talk(
            HTTPWire.request(
                "POST", "/v1/check", body: #"{"clinic_id":"\#(clinic)"}"#, key: site.key), port)
    }

    private func get(_ path: String, _ port: Int) async throws -> HTTPWire.Reply {
        try await talk("GET \(path) HTTP/1.1\r\nHost: test\r\n\r\n", port)
    }

    private func talk(
        _ text: String, _ port: Int, hasBody: Bool = true
    ) async throws -> HTTPWire.Reply {
        try await HTTPWire.talk(to: port) { wire in
            try await wire.send(text)
            return try await wire.reply(hasBody: hasBody)
        }
    }
}

private final class PortNumber: Sendable {
    let value = Atomic<Int>(0)
}
