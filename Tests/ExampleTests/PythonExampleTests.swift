import DatabaseSupport
import Foundation
import LocalServers
import Metering
import Postgres
import TestSupport
import Testing
import WorkerSupport

@testable import MeteringWorker

/// The programs of Examples/python, run as they stand.
@Suite(.timed, .serialized) struct `Examples in Python` {
    private struct Decision: Decodable {
        let allowed: Bool
        let used: Int64
        let quota: Int64?
        let retry_after_us: Int64?
    }

    @Test func `decide by FCALL with the rights of their page`() async throws {
        let python = try await PythonTools.directory() + "/python"
        try await DirectUser.lend { user in
            let site = user.site
            let clinic = try await site.database.clinic(
                #"{"limits":{"default":{"rate":1,"per":"1d","burst":2}},"quota":{"api_calls":9}}"#)
            func run(_ words: String...) async throws -> (
                ending: RunningProcess.Ending, output: String, errors: String
            ) {
                try await RunningProcess.run(
                    python, ["Examples/python/direct_check.py"] + words,
                    environment: user.environment)
            }
            #expect(try await user.value(of: clinic) == nil)
            for used in [1, 2] as [Int64] {
                let allowed = try await run("\(clinic)")
                #expect(allowed.ending == .exited(0), "\(allowed.errors)")
                let decision = try JSONDecoder().decode(
                    Decision.self, from: Data(allowed.output.utf8))
                #expect(decision.allowed && decision.used == used && decision.quota == 9)
                #expect(decision.retry_after_us == nil)
            }
            let denied = try await run("\(clinic)")
            #expect(denied.ending == .exited(3), "\(denied.errors)")
            let denial = try JSONDecoder().decode(Decision.self, from: Data(denied.output.utf8))
            #expect(!denial.allowed && denial.used == 2)
            #expect((denial.retry_after_us ?? 0) > 0)

            let other = try await run("\(clinic)", "export")
            #expect(other.ending == .exited(1))
            #expect(other.errors.contains("has no limit 'export'"), "\(other.errors)")
            let stranger = try await run("\(ClinicID(high: 1, low: 1))")
            #expect(stranger.ending == .exited(1))
            #expect(stranger.errors.contains("there is no clinic"), "\(stranger.errors)")
            for words in [[], ["\(clinic)", "export", "more"]] {
                let wrong = try await RunningProcess.run(
                    python, ["Examples/python/direct_check.py"] + words,
                    environment: user.environment)
                #expect(wrong.ending == .exited(2) && wrong.output == "")
                #expect(wrong.errors.contains("usage: python3 direct_check.py CLINIC [LIMIT]"))
            }

            // Nobody but the sweep has seen these calls.
            try await waitUntil("the calls are in api_usage") {
                try await site.database.billed(clinic) == 2
            }
            await site.redis.stop()
            let silent = try await run("\(clinic)")
            #expect(silent.ending == .exited(1))
            #expect(silent.output == "")
            try await site.redis.start()
        }
    }

    @Test func `stand before an application`() async throws {
        try await RunningWorker.lend { worker in
            let clinic = try await worker.database.clinic(
                #"{"limits":{"default":{"rate":1,"per":"1d","burst":2}}}"#)
            let unlimited = try await worker.database.clinic(nil)
            let address = "http://127.0.0.1:\(worker.port)"
            let server = try await MeteredServer.start(
                "stop", ["METERING_URL": address, "METERING_KEY": worker.key])
            for _ in 0..<2 {
                let reply = try await server.get(clinic)
                #expect(reply.status == 200 && reply.body == "application\n")
            }
            let denied = try await server.get(clinic)
            #expect(denied.status == 429)
            #expect(denied.body.contains("rate-limited"))
            #expect(Int(denied.field("retry-after") ?? "") ?? 0 > 0)
            #expect(denied.field("ratelimit")?.contains("r=0") == true)
            #expect(try await server.get(unlimited).status == 200)
            #expect(try await server.get(nil).status == 200)
            #expect(try await server.get(ClinicID(high: 1, low: 1)).status == 404)
            #expect(try Answer(try await worker.usage(clinic)).usage.used == 2)
        }
    }

    /// A wrong key or id must not switch metering off.
    @Test func `refuse what the worker refuses, and say why once a minute`() async throws {
        try await RunningWorker.lend { worker in
            let clinic = try await worker.database.clinic(nil)
            let made = try await worker.database.run([
                "metering-worker", "keys", "create", "--name", "reader", "--scope", "usage",
            ])
            #expect(made.ending == .exited(0), "\(made.errors)")
            let reader = made.output.trimmingCharacters(in: .newlines)
            try await waitUntil("the worker knows the new key") {
                worker.worker.keys.owner(authorization: "Bearer \(reader)") != nil
            }
            let address = "http://127.0.0.1:\(worker.port)"
            let rows: [(url: String, key: String, clinic: String, status: Int)] = [
                (address, worker.key, "0", 400), (address, "mk_none", "\(clinic)", 401),
                (address, reader, "\(clinic)", 403),
            ]
            for row in rows {
                let server = try await MeteredServer.start(
                    "pass", ["METERING_URL": row.url, "METERING_KEY": row.key])
                for _ in 0..<3 {
                    let reply = try await server.get(named: row.clinic)
                    #expect(reply.status == 500)
                    #expect(reply.body.hasPrefix("refused: "))
                }
                try await waitUntil("the reason is logged") {
                    server.process.errors.contains("refuses the question (\(row.status))")
                }
                #expect(server.process.errors.matches(of: /refuses the question/).count == 1)
            }
        }
    }

    /// Against prepared responses: connections that end, what is no HTTP, and each status.
    @Test func `keep connections, and survive a worker that breaks off`() async throws {
        let run = try await RunningProcess.run(
            "python3", ["Tests/Python/check_metered.py"],
            environment: ["PYTHONDONTWRITEBYTECODE": "1"])
        #expect(run.ending == .exited(0), "\(run.errors)")
    }

    @Test(arguments: [("pass", 200), ("stop", 503)])
    func `do without a worker what their setting says`(onOutage: String, status: Int) async throws {
        // Nobody listens there.
        let address = "http://127.0.0.1:\(FreePort.next())"
        let server = try await MeteredServer.start(
            onOutage, ["METERING_URL": address, "METERING_KEY": "mk_none"])
        let reply = try await server.get(ClinicID(high: 1, low: 1))
        #expect(reply.status == status)
        #expect(reply.body == (status == 200 ? "application\n" : "no decision\n"))
    }
}

/// An application behind the middleware, served by Python itself.
private struct MeteredServer {
    let process: RunningProcess
    let port: Int

    static func start(
        _ onOutage: String, _ environment: [String: String]
    ) async throws -> MeteredServer {
        let python = try await PythonTools.directory() + "/python"
        var all: [String: String?] = ["PYTHONDONTWRITEBYTECODE": "1", "no_proxy": "*"]
        for (name, value) in environment { all[name] = value }
        let process = try await RunningProcess.start(
            python, ["Tests/Python/serve_metered.py", onOutage], environment: all)
        let line = try await process.line(containing: "port ")
        return MeteredServer(
            process: process, port: try #require(Int(line.split(separator: " ").last ?? "")))
    }

    func get(_ clinic: ClinicID?) async throws -> HTTPWire.Reply {
        try await get(named: clinic.map { "\($0)" })
    }

    func get(named clinic: String?) async throws -> HTTPWire.Reply {
        try await HTTPWire.talk(to: port) { wire in
            let field = clinic.map { "X-Clinic: \($0)\r\n" } ?? ""
            try await wire.send("GET / HTTP/1.1\r\nHost: test\r\n\(field)\r\n")
            return try await wire.reply()
        }
    }
}

extension DirectUser {
    fileprivate var environment: [String: String?] {
        [
            "REDIS_URL": url, "REDIS_TIMEOUT": "30", "WORKER_TIMEOUT": "30",
            "METERING_KEY": site.key, "METERING_URL": "http://127.0.0.1:\(site.port)",
            "PYTHONDONTWRITEBYTECODE": "1", "no_proxy": "*",
        ]
    }
}
