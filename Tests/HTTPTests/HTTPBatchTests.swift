import DatabaseSupport
import Foundation
import Glibc
import HTTPServer
import Ledger
import LocalServers
import Metering
import TestSupport
import Testing
import WorkerSupport

@testable import MeteringWorker

/// `POST /v1/checks`, as a client sees it.
@Suite(.timed, .serialized) struct `HTTP batch of checks` {
    private struct Batch: Decodable {
        struct Item: Decodable {
            struct Body: Decodable {
                struct Usage: Decodable { let used: Int64 }
                let allowed: Bool?
                let reason, type, detail, counter: String?
                let usage: Usage?
            }
            let status: Int
            let body: Body
        }
        let answers: [Item]

        init(_ reply: HTTPWire.Reply) throws {
            self = try JSONDecoder().decode(Batch.self, from: Data(reply.body.utf8))
        }
    }

    private let slow = #"{"limits":{"default":{"rate":1,"per":"1d","burst":3}}}"#

    private func ask(
        _ worker: RunningWorker, _ checks: [String], key: String? = nil
    ) async throws -> HTTPWire.Reply {
        try await worker.request(
            "POST", "/v1/checks", body: #"{"checks":[\#(checks.joined(separator: ","))]}"#,
            key: key ?? worker.key)
    }

    private func check(_ clinic: ClinicID, _ more: String = "") -> String {
        #"{"clinic_id":"\#(clinic)"\#(more)}"#
    }

    @Test func `answers each check in its place, and none fails another`() async throws {
        try await RunningWorker.lend { worker in
            let (one, two) = (
                try await worker.database.clinic(slow), try await worker.database.clinic(slow)
            )
            // Known to Redis, so that all are decided in the order of the list.
            for clinic in [one, two] { _ = try await worker.check(clinic, #","mode":"peek""#) }
            let stranger = ClinicID(high: 5, low: 5)
            let reply = try await ask(
                worker,
                [
                    check(one), check(stranger), check(two, #","cost":4"#), "7", check(one),
                    check(one, #","cost":"x""#), #"{"cost":1}"#, check(two, #","limit":"nowhere""#),
                    check(one, #","limit":"users""#), check(two, #","cost":{}"#), check(one),
                    check(one),
                ])
            let items = try Batch(reply).answers
            #expect(reply.status == 200)
            #expect(
                items.map(\.status) == [
                    200, 404, 429, 400, 200, 400, 400, 400, 200, 400, 200, 429,
                ])
            let counted = [0, 4, 10, 11].map { items[$0].body.usage?.used }
            #expect(counted == [1, 2, 3, 3])
            #expect(items[2].body.reason == "rate_limit" && items[2].body.allowed == false)
            #expect(items[3].body.detail == "the check is not a JSON object")
            #expect(items[6].body.detail == "clinic_id is missing")
        }
    }

    @Test func `gives an item byte for byte the answer that its check alone gets`() async throws {
        try await RunningWorker.lend { worker in
            let clinic = try await worker.database.clinic(#"{"quota":{"api_calls":9}}"#)
            let alone = try await worker.check(clinic, #","mode":"peek""#)
            let batch = try await ask(worker, [check(clinic, #","mode":"peek""#)])
            let body = alone.body.dropLast()
            #expect(batch.body == #"{"answers":[{"status":200,"body":\#(body)}]}"# + "\n")
        }
    }

    @Test func `takes a thousand checks`() async throws {
        try await RunningWorker.lend { worker in
            let clinic = try await worker.database.clinic(#"{"quota":{"api_calls":990}}"#)
            _ = try await worker.check(clinic, #","mode":"peek""#)
            let stranger = check(ClinicID(high: 5, low: 5))
            let checks = Array(repeating: check(clinic), count: 999) + [stranger]
            let items = try Batch(try await ask(worker, checks)).answers
            let expected =
                Array(repeating: 200, count: 990) + Array(repeating: 429, count: 9) + [404]
            #expect(items.map(\.status) == expected)
            #expect(items.prefix(990).map(\.body.usage?.used) == (1...990).map { $0 })
        }
    }

    @Test func `has room for one longest list of a key, and for two of all`() async throws {
        let slots = BatchSlots()
        func ask(_ count: Int, _ key: Int64) async throws -> Int {
            try await slots.withSlots(for: count, of: key) { APIResponse(status: 204) }.status
        }
        #expect(try await ask(1_000, 1) == 204)
        _ = try await slots.withSlots(for: 600, of: 1) {
            #expect((try? await ask(400, 1)) == 204)
            do { _ = try await ask(401, 1); Issue.record("there was room") } catch {
                #expect((error as? Problem)?.response.status == 503)
                #expect((error as? Problem)?.retryAfter == 1)
            }
            _ = try? await slots.withSlots(for: 1_000, of: 2) {
                #expect((try? await ask(401, 3)) == nil)
                #expect((try? await ask(400, 3)) == 204)
                return APIResponse(status: 204)
            }
            return APIResponse(status: 204)
        }
        #expect(try await ask(1_000, 1) == 204)
    }

    @Test func `looks at the key before it takes a long list`() async throws {
        try await RunningWorker.lend { worker in
            let usage = try await worker.newKey([.usage])
            for (key, status) in [("Bearer mk_x", 401), ("Bearer \(usage)", 403)] {
                let reply = try await HTTPWire.talk(to: worker.port) { wire in
                    try await wire.send(
                        "POST /v1/checks HTTP/1.1\r\nHost: x\r\nAuthorization: \(key)\r\n"
                            + "Content-Length: 200000\r\n\r\n")
                    // Answered although no byte of the body comes.
                    return try await wire.reply()
                }
                #expect(reply.status == status, "\(reply.body)")
                let piecewise = try await HTTPWire.talk(to: worker.port) { wire in
                    try await wire.send(
                        "POST /v1/checks HTTP/1.1\r\nHost: x\r\nAuthorization: \(key)\r\n"
                            + "Transfer-Encoding: chunked\r\n\r\n1001\r\n"
                            + String(repeating: " ", count: 4_097) + "\r\n")
                    return try await wire.reply()
                }
                #expect(piecewise.status == status, "\(piecewise.body)")
            }
        }
    }

    @Test func `refuses as a whole what is no list of checks`() async throws {
        try await RunningWorker.lend { worker in
            for body in [
                "", "[]", "{}", #"{"checks":{}}"#, #"{"checks":[]}"#, #"{"checks":[1],"a":2}"#,
            ] {
                let reply = try await worker.request(
                    "POST", "/v1/checks", body: body, key: worker.key)
                #expect(reply.status == 400)
            }
            let many = try await ask(worker, Array(repeating: "1", count: 1_001))
            #expect(many.status == 400)
            let large = try await ask(
                worker, Array(repeating: check(ClinicID(high: 1, low: 1)), count: 6_000))
            #expect(large.status == 413)
            try await worker.expectServing()
        }
    }

    /// One after the other they would wait for an hour and more.
    @Test(.timeLimit(.minutes(2)))
    func `asks a silent PostgreSQL once, not for each check`() async throws {
        try await TestDatabase.lendAlone { database in
            try await RunningWorker.lend(on: database) { worker in
                let clinic = try await database.clinic(slow)
                #expect(try await worker.check(clinic, #","mode":"peek""#).status == 200)
                let frozen = try await database.freeze()
                let users = (1...999).map { number in
                    check(ClinicID(high: 1, low: UInt64(number)), #","limit":"users""#)
                }
                let items = try Batch(try await ask(worker, users + [check(clinic)])).answers
                for process in frozen { process.send(SIGCONT) }
                #expect(items.map(\.status) == Array(repeating: 503, count: 999) + [200])
                #expect(Set(items.prefix(999).map(\.body.detail)).count == 1)
            }
        }
    }

    @Test func `asks no more when the time is over or a store is unavailable`() async throws {
        var away = Problem.unavailable("away")
        away.isStoreUnavailable = true
        var (open, over) = (
            BatchTurn(until: .now + .seconds(60)), BatchTurn(until: .now - .seconds(1))
        )
        var asked = 0
        // What is wrong with one clinic says nothing about the next.
        for problem in [Problem.unknownClinic, away, .unknownClinic] {
            await #expect(throws: asked == 2 ? away : problem) {
                try await open.take { left throws(Problem) in
                    #expect(left > .zero)
                    asked += 1
                    throw problem
                }
            }
        }
        #expect(asked == 2)
        await #expect(throws: Problem.self) {
            try await over.take { _ throws(Problem) in
                asked += 1
                throw away
            }
        }
        #expect(asked == 2)
    }

    @Test func `shows a key no clinic but its own`() async throws {
        try await RunningWorker.lend { worker in
            let (mine, other) = (
                try await worker.database.clinic(slow), try await worker.database.clinic(slow)
            )
            let key = try await worker.newKey([.check], clinics: [mine])
            let items = try Batch(try await ask(worker, [check(mine), check(other)], key: key))
            #expect(items.answers.map(\.status) == [200, 404])
            #expect(try await ask(worker, [check(mine)], key: "mk_wrong").status == 401)
            let reader = try await worker.newKey([.usage])
            #expect(try await ask(worker, [check(mine)], key: reader).status == 403)
        }
    }
}
