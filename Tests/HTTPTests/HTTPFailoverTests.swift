import DatabaseSupport
import LocalServers
import TestSupport
import Testing
import WorkerSupport

/// The Redis of a serving worker becomes a replica, and its primary again.
@Suite(.timed, .serialized) struct `HTTP with a demoted Redis` {
    @Test func `is not ready, answers 503, and goes on counting after it`() async throws {
        try await RunningWorker.lend(["METERING_ON_OUTAGE": "deny"]) { worker in
            let clinic = try await worker.database.clinic(#"{"quota":{"api_calls":100}}"#)
            for _ in 0..<5 { #expect(try await worker.check(clinic).status == 200) }
            _ = try await worker.redis.client(["REPLICAOF", "127.0.0.1", "1"])
            for _ in 0..<3 { #expect(try await worker.check(clinic).status == 503) }
            // Not even a good reply to a reader makes it ready.
            for _ in 0..<10 {
                let ready = try await worker.request("GET", "/readyz", key: nil)
                #expect(ready.status == 503 && ready.body.contains("takes no writes"))
            }
            _ = try await worker.redis.client(["REPLICAOF", "NO", "ONE"])
            try await waitUntil("the worker is ready, though nobody calls") {
                try await worker.request("GET", "/readyz", key: nil).status == 200
            }
            for _ in 0..<5 { #expect(try await worker.check(clinic).status == 200) }
            try await waitUntil("the ledger has all ten") {
                try await worker.database.counted(clinic) == 10
            }
        }
    }
}
