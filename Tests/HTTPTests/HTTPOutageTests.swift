import Counters
import DatabaseSupport
import FoundationEssentials
import Glibc
import LocalServers
import Metering
import Postgres
import TestSupport
import Testing
import WorkerSupport

@testable import MeteringWorker

/// One of the stores is away while the worker serves.
@Suite(.timed, .serialized) struct `HTTP without a store` {
    private let brief = ["METERING_CHECK_TIMEOUT": "200ms", "METERING_ON_OUTAGE": "deny"]
    private let denying = ["METERING_ON_OUTAGE": "deny"]
    /// Two calls a month: a worker that guessed would answer 429.
    private let small = #"{"quota":{"api_calls":2}}"#

    @Test func `answers 503 and never 429 while Redis is frozen`() async throws {
        try await RunningWorker.lend(brief) { worker in
            let clinic = try await worker.database.clinic(small)
            try await worker.waitUntilAllowed(clinic)
            worker.redis.send(SIGSTOP)
            for _ in 0..<3 {
                try expectUnavailable(try await worker.check(clinic))
                try expectUnavailable(try await worker.usage(clinic))
            }
            #expect(try await worker.request("GET", "/healthz", key: nil).status == 200)
            worker.redis.send(SIGCONT)
            try await waitUntil("Redis answers again") {
                try await worker.usage(clinic).status == 200
            }
        }
    }

    @Test func `answers 503 while Redis is stopped, and goes on counting after it`() async throws {
        try await RunningWorker.lend(denying) { worker in
            let clinic = try await worker.database.clinic(#"{"quota":{"api_calls":100}}"#)
            for _ in 0..<5 { #expect(try await worker.check(clinic).status == 200) }
            await worker.redis.stop()
            for _ in 0..<3 { try expectUnavailable(try await worker.check(clinic)) }
            let ready = try await worker.request("GET", "/readyz", key: nil)
            #expect(ready.status == 503 && ready.body.contains("redis: not connected"))
            try await worker.redis.start()
            try await waitUntil("Redis answers again") {
                try await worker.usage(clinic).status == 200
            }
            for _ in 0..<5 { #expect(try await worker.check(clinic).status == 200) }
            #expect(try Answer(try await worker.usage(clinic)).usage.used == 10)
            try await waitUntil("the ledger has all ten") {
                try await worker.database.counted(clinic) == 10
            }
            #expect(try await worker.request("GET", "/readyz", key: nil).status == 200)
        }
    }

    @Test func `goes on without PostgreSQL for clinics in Redis, and loses none of their calls`()
        async throws
    {
        try await TestDatabase.lendAlone { database in
            try await RunningWorker.lend(denying, on: database) { worker in
                let known = try await database.clinic(#"{"quota":{"api_calls":1000}}"#)
                let unknown = try await database.clinic("{}")
                #expect(try await worker.check(known).status == 200)
                let frozen = try await database.freeze()
                for _ in 0..<50 { #expect(try await worker.check(known).status == 200) }
                // Nobody waits longer than a request may take, however long PostgreSQL is silent.
                let reply = try await worker.check(unknown)
                try expectUnavailable(reply)
                #expect(try ProblemBody(reply).detail.contains("PostgreSQL"))
                #expect(try await worker.check(known).status == 200)
                for process in frozen { process.send(SIGCONT) }
                try await waitUntil("the ledger has every call") {
                    try await database.counted(known) == 52
                }
                try await waitUntil("the other clinic is found") {
                    try await worker.check(unknown).status == 200
                }
                try await waitUntil("every part is well again") {
                    try await worker.request("GET", "/readyz", key: nil).body
                        == "{\"reasons\":[],\"status\":\"ready\"}\n"
                }
            }
        }
    }

    /// The last checkpoint may fail, the end may not wait for it: Redis and the next worker have the counts.
    @Test func `ends in its time although PostgreSQL is silent`() async throws {
        try await TestDatabase.lendAlone { database in
            try await RunningWorker.lend(["METERING_SHUTDOWN_TIMEOUT": "1s"], on: database) {
                worker in
                let clinic = try await database.clinic("{}")
                #expect(try await worker.check(clinic).status == 200)
                let frozen = try await database.freeze()
                #expect(try await worker.check(clinic).status == 200)
                let isOver = worker.endInBackground()
                try await waitUntil("the worker has ended") { isOver.isSet }
                for process in frozen { process.send(SIGCONT) }
            }
        }
    }

    /// What was counted in the last moment is written, also when PostgreSQL was away until just before the end.
    @Test func `writes what it saw when it ends`() async throws {
        let settings = [
            "METERING_CHECKPOINT_INTERVAL": "60s", "METERING_SWEEP_INTERVAL": "1h",
        ]
        try await TestDatabase.lend { database in
            let clinic = try await database.clinic("{}")
            try await RunningWorker.lend(settings, on: database) { worker in
                for _ in 0..<7 {
                    let reply = try await worker.check(clinic)
                    #expect(reply.status == 200)
                }
            }
            #expect(try await database.counted(clinic) == 7)
        }
    }

    /// Everybody may ask /readyz, so it names parts and never what the driver said.
    @Test func `shows no addresses to callers without a key`() async throws {
        try await RunningWorker.lend { worker in
            _ = try await worker.database.ask(
                "ALTER TABLE metering.clinic_terms RENAME TO hidden_terms")
            try await waitUntil("the watch fails") {
                try await worker.request("GET", "/readyz", key: nil).body.contains("watch")
            }
            let reply = try await worker.request("GET", "/readyz", key: nil)
            #expect(reply.status == 200 && reply.body.contains("watch: failing, see the log"))
            #expect(!reply.body.contains("hidden") && !reply.body.contains("clinic_terms"))
            _ = try await worker.database.ask(
                "ALTER TABLE metering.hidden_terms RENAME TO clinic_terms")
            try await waitUntil("every part is well again") {
                try await worker.request("GET", "/readyz", key: nil).body.contains("[]")
            }
        }
    }

    private func expectUnavailable(_ reply: HTTPWire.Reply) throws {
        #expect(reply.status == 503)
        let problem = try ProblemBody(reply)
        #expect(problem.code == "unavailable" && problem.status == 503)
        #expect(reply.field("retry-after") == "1")
        #expect(reply.field("content-type") == "application/problem+json")
        #expect(reply.field("ratelimit") == nil)
    }
}

extension RunningWorker {
    /// Calls until one is allowed: with a short deadline the first may come too late on a busy machine.
    fileprivate func waitUntilAllowed(_ clinic: ClinicID) async throws {
        try await waitUntil("a call is allowed") {
            try await check(clinic, #","mode":"peek""#).status == 200
        }
    }
}

extension TestDatabase {
    /// Stops every process of the server where it is, so that no session goes on and none begins.
    func freeze() async throws -> [ProcessIdentity] {
        let main = try #require(server.process)
        main.send(SIGSTOP)
        try await waitUntil("the main process of PostgreSQL stops") {
            let status = try String(contentsOfFile: "/proc/\(main.pid)/stat", encoding: .utf8)
            return status.split(separator: ")").last?.hasPrefix(" T ") == true
        }
        // It starts no more of them now.
        let children = try String(
            contentsOfFile: "/proc/\(main.pid)/task/\(main.pid)/children", encoding: .utf8)
        let processes = children.split(separator: " ").compactMap { word in
            Int32(word).flatMap(ProcessIdentity.living)
        }
        #expect(processes.count > 1)
        for process in processes { process.send(SIGSTOP) }
        return [main] + processes
    }
}
