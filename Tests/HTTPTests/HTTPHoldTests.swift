import DatabaseSupport
import Foundation
import LocalServers
import Metering
import Postgres
import TestSupport
import Testing
import WorkerSupport

@testable import MeteringWorker

/// Reservations, refunds and request ids as a client sees them.
@Suite(.timed, .serialized) struct `HTTP reservations` {
    private let plan =
        #"{"limits":{"default":{"rate":100,"per":"1s","concurrent":2}},"quota":{"api_calls":50}}"#

    private struct Body: Decodable {
        struct Usage: Decodable { let used: Int64 }
        let clinic_id, reservation_id, refund_id, state, expires_at, reason: String?
        let units, retry_after_ms: Int64?
        let repeated, pending: Bool?
        let usage: Usage?

        init(_ reply: HTTPWire.Reply) throws {
            self = try JSONDecoder().decode(Body.self, from: Data(reply.body.utf8))
        }
    }

    private func post(
        _ worker: RunningWorker, _ path: String, _ clinic: ClinicID, _ more: String = ""
    ) async throws -> HTTPWire.Reply {
        try await worker.request(
            "POST", path, body: #"{"clinic_id":"\#(clinic)"\#(more)}"#, key: worker.key)
    }

    private func used(_ worker: RunningWorker, _ clinic: ClinicID) async throws -> Int64? {
        try Body(try await worker.usage(clinic)).usage?.used
    }

    @Test func `are made, committed once and returned again`() async throws {
        try await RunningWorker.lend { worker in
            let clinic = try await worker.database.clinic(plan)
            let made = try await post(
                worker, "/v1/reservations", clinic, #","cost":10,"ttl_ms":60000"#)
            let body = try Body(made)
            #expect(made.status == 201 && body.units == 10 && body.repeated == false)
            #expect(body.usage?.used == 10 && body.expires_at?.hasSuffix("Z") == true)
            let id = try #require(body.reservation_id)
            let much = try await post(
                worker, "/v1/reservations/\(id)/commit", clinic, #","cost":11"#)
            #expect(much.status == 400)
            for isRepeated in [false, true] {
                let reply = try await post(
                    worker, "/v1/reservations/\(id)/commit", clinic, #","cost":4"#)
                let body = try Body(reply)
                #expect(reply.status == 200 && body.state == "committed" && body.units == 4)
                #expect(body.repeated == isRepeated && body.pending == false)
                #expect(body.usage?.used == 4)
            }
            let released = try await post(worker, "/v1/reservations/\(id)/release", clinic)
            #expect(released.status == 409)
            #expect(try ProblemBody(released).code == "reservation-committed")
            try await waitUntil("the ledger has the commit") {
                try await worker.database.counted(clinic) == 4
            }
        }
    }

    @Test func `are one for a request id, and end when their time has passed`() async throws {
        try await RunningWorker.lend { worker in
            let clinic = try await worker.database.clinic(plan)
            let asked = #","request_id":"export 7","ttl_ms":60000,"cost":3"#
            let first = try await post(worker, "/v1/reservations", clinic, asked)
            let again = try await post(worker, "/v1/reservations", clinic, asked)
            #expect(first.status == 201 && again.status == 200)
            #expect(try Body(first).reservation_id == Body(again).reservation_id)
            #expect(try await used(worker, clinic) == 3)
            let other = try await post(
                worker, "/v1/reservations", clinic, #","request_id":"export 7","ttl_ms":1,"cost":4"#
            )
            #expect(other.status == 409)
            #expect(try ProblemBody(other).code == "id-of-another-call")
            let brief = try await post(worker, "/v1/reservations", clinic, #","ttl_ms":1"#)
            let id = try #require(try Body(brief).reservation_id)
            try await waitUntil("the hold's time has passed") {
                let late = try await post(worker, "/v1/reservations/\(id)/commit", clinic)
                if late.status == 200 { return try Body(late).state == "committed" }
                #expect(try ProblemBody(late).code == "reservation-expired")
                return true
            }
            let unknown = String(repeating: "0", count: 32)
            let stranger = try await post(worker, "/v1/reservations/\(unknown)/release", clinic)
            #expect(stranger.status == 404)
            #expect(try ProblemBody(stranger).code == "unknown-reservation")
        }
    }

    @Test func `are denied beyond what a limit may have open`() async throws {
        try await RunningWorker.lend { worker in
            let clinic = try await worker.database.clinic(plan)
            for _ in 0..<2 {
                let made = try await post(worker, "/v1/reservations", clinic, #","ttl_ms":90000"#)
                #expect(made.status == 201)
            }
            let denied = try await post(worker, "/v1/reservations", clinic, #","ttl_ms":90000"#)
            let body = try Answer(denied)
            #expect(denied.status == 429 && body.reason == "concurrency")
            #expect(body.type == "urn:metering-worker:problem:concurrency-limited")
            let wait = try #require(denied.field("retry-after").flatMap { Int64($0) })
            #expect((1...90).contains(wait))
            #expect(try await used(worker, clinic) == 2)
        }
    }

    @Test func `give back once, and no more than was used`() async throws {
        try await RunningWorker.lend { worker in
            let clinic = try await worker.database.clinic(plan)
            _ = try await worker.check(clinic, #","cost":20"#)
            for isRepeated in [false, true] {
                let reply = try await post(
                    worker, "/v1/refunds", clinic, #","refund_id":"r 1","cost":15"#)
                let body = try Body(reply)
                #expect(reply.status == 200 && body.units == 15 && body.refund_id == "r 1")
                #expect(body.repeated == isRepeated && body.usage?.used == 5)
            }
            let much = try await post(
                worker, "/v1/refunds", clinic, #","refund_id":"r 2","cost":6"#)
            #expect(much.status == 409)
            #expect(try ProblemBody(much).code == "more-than-used")
            try await waitUntil("the ledger has the refund") {
                try await worker.database.counted(clinic) == 5
            }
            // Named with its month it is PostgreSQL's, for ever.
            let month = try await worker.month()
            for isRepeated in [false, true] {
                let reply = try await post(
                    worker, "/v1/refunds", clinic,
                    #","refund_id":"r 3","cost":2,"month":"\#(month)""#)
                #expect(reply.status == 200)
                #expect(try Body(reply).repeated == isRepeated)
            }
            #expect(try await used(worker, clinic) == 3)
            try await waitUntil("the month is rolled up") {
                try await worker.database.number(
                    "SELECT api_calls::bigint FROM api_usage WHERE clinic_id = $1::text::uuid",
                    [.text("\(clinic)")]) == 3
            }
        }
    }

    @Test func `are given back in their month though Redis cannot learn of it`() async throws {
        try await RunningWorker.lend { worker in
            let clinic = try await worker.database.clinic(plan)
            #expect(try await worker.check(clinic, #","cost":20"#).status == 200)
            try await waitUntil("the ledger has the call") {
                try await worker.database.counted(clinic) == 20
            }
            let month = try await worker.month()
            await worker.redis.stop()
            for isRepeated in [false, true] {
                let reply = try await post(
                    worker, "/v1/refunds", clinic,
                    #","refund_id":"r 1","cost":2,"month":"\#(month)""#)
                let body = try Body(reply)
                #expect(reply.status == 200 && body.pending == true)
                #expect(body.repeated == isRepeated)
            }
            #expect(try await worker.database.adjusted(clinic) == -2)
            try await worker.redis.start()
        }
    }

    @Test func `need a field that is there and a number in its range`() async throws {
        try await RunningWorker.lend { worker in
            let clinic = try await worker.database.clinic(plan)
            for (path, more, part) in [
                ("/v1/reservations", "", "ttl_ms is missing"),
                ("/v1/reservations", #","ttl_ms":86400001"#, "ttl_ms is not a whole number"),
                ("/v1/reservations", #","ttl_ms":1,"limit":"users""#, "limit users"),
                ("/v1/reservations", #","ttl_ms":1,"mode":"peek""#, "unknown field"),
                ("/v1/reservations/1/commit", "", "reservation id"),
                ("/v1/refunds", #","cost":1"#, "refund_id is missing"),
                ("/v1/refunds", #","refund_id":"x""#, "cost is missing"),
                ("/v1/refunds", #","refund_id":"x","cost":1,"month":"11""#, "month is not"),
                ("/v1/check", #","request_id":"x","mode":"peek""#, "request_id is for calls"),
                ("/v1/check", #","request_id":"""#, "request_id is not a text"),
            ] {
                let reply = try await post(worker, path, clinic, more)
                #expect(reply.status == 400)
                #expect(try ProblemBody(reply).detail.contains(part))
            }
            #expect(try await used(worker, clinic) == 0)
        }
    }

    @Test func `and calls are counted once for a request id`() async throws {
        try await RunningWorker.lend { worker in
            let clinic = try await worker.database.clinic(plan)
            for isRepeated in [false, true] {
                let reply = try await worker.check(clinic, #","cost":2,"request_id":"call 1""#)
                #expect(reply.status == 200)
                #expect(reply.body.contains(#""repeated":true"#) == isRepeated)
                #expect(try Body(reply).usage?.used == 2)
            }
            let other = try await worker.check(clinic, #","cost":3,"request_id":"call 1""#)
            #expect(other.status == 409)
            // An id is a clinic's own.
            let neighbour = try await worker.database.clinic(plan)
            let theirs = try await worker.check(neighbour, #","cost":3,"request_id":"call 1""#)
            #expect(theirs.status == 200)
        }
    }

    @Test func `count once also in a list of checks`() async throws {
        try await RunningWorker.lend { worker in
            let clinic = try await worker.database.clinic(plan)
            let check = #"{"clinic_id":"\#(clinic)","cost":3,"request_id":"listed"}"#
            let plain = #"{"clinic_id":"\#(clinic)"}"#
            for _ in 0..<2 {
                let reply = try await worker.request(
                    "POST", "/v1/checks", body: #"{"checks":[\#(check),\#(plain),\#(check)]}"#,
                    key: worker.key)
                #expect(reply.status == 200)
            }
            #expect(try await used(worker, clinic) == 5)
        }
    }

    /// The answer is lost, the caller asks again: one call, though the server was asked twice at once.
    @Test func `count once when the same id is sent many times at once`() async throws {
        try await RunningWorker.lend { worker in
            let clinic = try await worker.database.clinic(plan)
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<12 {
                    group.addTask {
                        try await worker.check(clinic, #","cost":7,"request_id":"same""#).status
                    }
                }
                for try await status in group { #expect(status == 200) }
            }
            #expect(try await used(worker, clinic) == 7)
        }
    }
}
