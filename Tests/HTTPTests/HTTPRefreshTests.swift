import Counters
import DatabaseSupport
import Ledger
import LocalServers
import Metering
import Postgres
import Quotas
import TestSupport
import Testing
import WorkerSupport

@testable import MeteringWorker

/// What changes in PostgreSQL while the worker serves.
@Suite(.timed, .serialized) struct `HTTP and changes` {
    @Test func `refuses a key from the poll after its end`() async throws {
        try await RunningWorker.lend { worker in
            let clinic = try await worker.database.clinic(nil)
            let key = try await worker.newKey([.check])
            let body = #"{"clinic_id":"\#(clinic)"}"#
            #expect(
                try await worker.request("POST", "/v1/check", body: body, key: key).status == 200)
            let hash = APIKey.hash(of: key)
            let id = try #require(await worker.worker.ledger.keys.find(hash: hash)?.id)
            _ = try await worker.worker.ledger.keys.revoke(id)
            try await waitUntil("the revoked key is refused") {
                try await worker.request("POST", "/v1/check", body: body, key: key).status == 401
            }
            #expect(try await worker.check(clinic).status == 200)
        }
    }

    @Test func `knows a key that has expired by the clock`() {
        let owner = KeyOwner(id: 1, name: "x", scopes: [.check], clinics: nil, expiresAt: 1_000)
        for (now, isGood) in [(0, true), (999, true), (1_000, false), (Int64.max, false)] {
            let ring = KeyRing { now }
            ring.replace(with: [APIKey.hash(of: "secret"): owner])
            #expect((ring.owner(authorization: "Bearer secret") != nil) == isGood)
        }
    }

    @Test func `knows a clinic from the poll after it was made`() async throws {
        try await RunningWorker.lend { worker in
            let clinic = ClinicID(high: .random(in: .min ... .max), low: 7)
            #expect(try await worker.check(clinic).status == 404)
            #expect(try await worker.usage(clinic).status == 404)
            try await worker.database.ask(
                "INSERT INTO clinics (clinic_id, name, subdomain) VALUES ($1::text::uuid, 'New', 'new')",
                [.text("\(clinic)")])
            try await waitUntil("the new clinic is known") {
                try await worker.check(clinic).status == 200
            }
        }
    }

    /// A fact goes through the worker's own look at standings, and reaches the counter in Redis.
    @Test func `moves a standing by its dates, and checks follow`() async throws {
        try await RunningWorker.lend { worker in
            let clinic = try await worker.database.clinic("{}")
            #expect(try await worker.check(clinic, #","access":"write""#).status == 200)
            // Fifteen days ago a payment failed; the clinic has been past due for two.
            try await worker.database.ask(
                """
                WITH fact AS (
                    INSERT INTO metering.subscription_fact (clinic_id, kind, at, reason, idempotency_key)
                    VALUES ($1::text::uuid, 'payment_failed', now() - interval '15 days', 'card', '1')
                ), began AS (
                    UPDATE metering.subscription_fact SET at = now() - interval '20 days'
                    WHERE clinic_id = $1::text::uuid
                )
                UPDATE metering.standing SET status = 'past_due', since = now() - interval '2 days',
                    next_at = now() WHERE clinic_id = $1::text::uuid
                """, [.text("\(clinic)")])
            try await waitUntil("the clinic may only read") {
                try await worker.check(clinic, #","access":"write""#).status == 402
            }
            let word = try await worker.database.ask(
                "SELECT payment_status FROM clinic_subscriptions WHERE clinic_id = $1::text::uuid",
                [.text("\(clinic)")])
            #expect(try word.first?.text(0) == "suspended")
        }
    }

    @Test func `takes a plan's edit over, and a raised quota admits`() async throws {
        try await RunningWorker.lend { worker in
            let clinic = try await worker.database.clinic(#"{"quota":{"api_calls":2}}"#)
            #expect(try await worker.check(clinic, #","cost":2"#).status == 200)
            #expect(try await worker.check(clinic).status == 429)
            try await worker.database.editPlan(
                of: clinic,
                #"{"quota":{"api_calls":3},"limits":{"default":{"rate":1,"per":"1d","burst":7}}}"#)
            try await waitUntil("the raised quota is seen") {
                try Answer(try await worker.usage(clinic)).usage.quota == 3
            }
            let admitted = try await worker.check(clinic)
            #expect(admitted.status == 200)
            #expect(try Answer(admitted).usage.used == 3)
            #expect(try Answer(admitted).limits.map(\.limit) == [7])
            #expect(try await worker.check(clinic).status == 429)
        }
    }

    @Test func `takes a change of standing over`() async throws {
        try await RunningWorker.lend { worker in
            let clinic = try await worker.database.clinic("{}")
            #expect(try await worker.check(clinic).status == 200)
            for (status, code) in [("canceled", 402), ("active", 200)] {
                try await worker.database.ask(
                    """
                    UPDATE clinic_subscriptions SET payment_status = $2
                    WHERE clinic_id = $1::text::uuid
                    """, [.text("\(clinic)"), .text(status)])
                try await waitUntil("\(status) is seen") {
                    try await worker.check(clinic, #","mode":"peek""#).status == code
                }
            }
        }
    }

    @Test func `forgets a deleted clinic and keeps its counts`() async throws {
        // A clinic that has a row in api_usage cannot be deleted.
        try await RunningWorker.lend(["METERING_ROLLUP_INTERVAL": "1h"]) { worker in
            let clinic = try await worker.database.clinic("{}")
            for _ in 0..<3 { #expect(try await worker.check(clinic).status == 200) }
            try await worker.database.ask(
                "DELETE FROM clinic_subscriptions WHERE clinic_id = $1::text::uuid",
                [.text("\(clinic)")])
            try await worker.database.ask(
                "DELETE FROM clinics WHERE clinic_id = $1::text::uuid", [.text("\(clinic)")])
            try await waitUntil("the deleted clinic is unknown") {
                try await worker.check(clinic, #","mode":"peek""#).status == 404
            }
            try await waitUntil("the ledger has its calls") {
                try await worker.database.counted(clinic) == 3
            }
        }
    }

    /// One plan that nobody can read stops neither the changes of others nor the watch itself.
    @Test func `goes on past a clinic whose plan is broken`() async throws {
        try await RunningWorker.lend(["METERING_SWEEP_INTERVAL": "1h"]) { worker in
            var clinics: [ClinicID] = []
            for _ in 0..<8 { clinics.append(try await worker.database.clinic("{}")) }
            let broken = try await worker.database.clinic("{}")
            for clinic in clinics + [broken] {
                #expect(try await worker.check(clinic).status == 200)
            }
            try await worker.database.editPlan(of: broken, #"{"quotas":1}"#)
            for clinic in clinics {
                try await worker.database.editPlan(of: clinic, #"{"quota":{"api_calls":9}}"#)
            }
            try await waitUntil("every other clinic has its new quota, though none of them calls") {
                // A quota where there was none is a cut: it is the next month's.
                try await worker.worker.counters.values(of: clinics)
                    .allSatisfy { $0.value?.nextQuota == 9 && $0.value?.quota == -1 }
            }
            try await waitUntil("the watch is well") {
                try await worker.request("GET", "/readyz", key: nil).body
                    == "{\"reasons\":[],\"status\":\"ready\"}\n"
            }
            // The broken one goes on by its last good version, also in a Redis that lost it; a new one of its
            // kind has no answer.
            #expect(try await worker.check(broken).status == 200)
            _ = try await worker.redis.client(["FLUSHALL"])
            #expect(try await worker.check(broken).status == 200)
            let another = try await worker.database.clinic(#"{"quotas":1}"#)
            let reply = try await worker.check(another)
            #expect(reply.status == 503)
            #expect(try ProblemBody(reply).detail.contains("metering.quotas"))
        }
    }

    @Test func `loads its functions again when Redis lost them`() async throws {
        try await RunningWorker.lend { worker in
            let clinic = try await worker.database.clinic("{}")
            #expect(try await worker.check(clinic).status == 200)
            _ = try await worker.redis.client(["FUNCTION", "FLUSH"])
            #expect(try await worker.check(clinic).status == 200)
            _ = try await worker.redis.client(["FLUSHALL"])
            _ = try await worker.redis.client(["FUNCTION", "FLUSH"])
            let reply = try await worker.check(clinic)
            #expect(reply.status == 200)
            #expect(try Answer(reply).usage.used == 3)
        }
    }
}
