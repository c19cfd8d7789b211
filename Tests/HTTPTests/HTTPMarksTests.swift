import Counters
import DatabaseSupport
import HTTPServer
import Ledger
import LocalServers
import Metering
import Postgres
import Quotas
import TestSupport
import Testing
import WorkerSupport

@testable import MeteringWorker

/// What callers of Redis itself ask of a worker.
@Suite(.timed, .serialized) struct `HTTP for callers of Redis` {
    @Test func `loads a clinic that Redis does not hold`() async throws {
        try await RunningWorker.lend { worker in
            let clinic = try await worker.database.clinic(#"{"quota":{"api_calls":7}}"#)
            #expect(try await worker.quota(of: clinic) == nil)
            let reply = try await worker.request(
                "POST", "/v1/clinics/\(clinic)/load", key: worker.key)
            #expect(reply.status == 200, "\(reply.body)")
            #expect(try await worker.quota(of: clinic) == 7)
            let again = try await worker.request(
                "POST", "/v1/clinics/\(clinic)/load", key: worker.key)
            #expect(again.body == reply.body)
            #expect(try Answer(try await worker.usage(clinic)).usage.used == 0)
        }
    }

    @Test func `keeps marks that it never saw itself, once`() async throws {
        try await RunningWorker.lend { worker in
            let clinic = try await worker.database.clinic(nil)
            let month = try await worker.month()
            for _ in 0..<2 {
                let reply = try await worker.post([
                    Posted(clinic, month, epoch: 7, used: 30, credited: 4)
                ])
                #expect(reply.body == "{\"accepted\":1,\"refused\":[]}\n")
                #expect(try await worker.database.counted(clinic) == 26)
            }
            let lower = try await worker.post([Posted(clinic, month, epoch: 7, used: 3)])
            #expect(lower.body == "{\"accepted\":1,\"refused\":[]}\n")
            #expect(try await worker.database.counted(clinic) == 26)
        }
    }

    /// Whatever epochs and counts are made up, the bill stays within the allowance.
    @Test func `bounds what a liar can add or take away`() async throws {
        let settings = ["METERING_MARK_MAX_PER_SECOND": "1000"]
        try await RunningWorker.lend(settings) { worker in
            let clinic = try await worker.database.clinic(nil)
            let month = try await worker.month()
            let bound: Int64 = 1_000 * 60 + 1_000_000
            let start = try await worker.worker.ledger.operations.databaseTime()
            var accepted = 0
            for epoch in 1...30 {
                let lie = Posted(clinic, month, epoch: UInt64(epoch), used: 100_000)
                let reply = try await worker.post([lie])
                if reply.body.contains("\"accepted\":1") { accepted += 1 }
                #expect(
                    reply.body.contains("implausible") == !reply.body.contains("\"accepted\":1"))
            }
            let elapsed =
                (try await worker.worker.ledger.operations.databaseTime() - start) / 1_000_000 + 1
            let counted = try await worker.database.counted(clinic)
            #expect(counted == Int64(accepted) * 100_000)
            #expect(counted >= bound - 100_000)
            #expect(counted <= bound + 1_000 * elapsed)
            let kept = try await worker.database.number(
                "SELECT count(*) FROM metering.quarantine WHERE clinic_id = $1::text::uuid",
                [.text("\(clinic)")])
            #expect(kept == Int64(30 - accepted))
            // The allowance is spent: what was counted cannot be taken away either.
            let reply = try await worker.post([
                Posted(clinic, month, epoch: 1, used: 100_000, credited: 100_000)
            ])
            #expect(reply.body.contains("implausible"))
        }
    }

    @Test func `says of each mark why it is not taken`() async throws {
        try await RunningWorker.lend { worker in
            let clinic = try await worker.database.clinic(nil)
            let month = try await worker.month()
            let old = try #require(month.previous?.previous)
            let reply = try await worker.post([
                Posted(ClinicID(high: 1, low: 1), month, epoch: 1, used: 1),
                Posted(clinic, old, epoch: 1, used: 1),
                Posted(clinic, month, epoch: 1, used: 1, offset: 1),
                Posted(clinic, month, epoch: 1, used: 1),
                Posted(clinic, month, epoch: 2, used: 1, seen: month.end + 100_000_000_000),
            ])
            #expect(
                reply.body == """
                    {"accepted":1,"refused":[{"index":0,"reason":"unknown-clinic"},{"index":1,"reason":"other-time"},\
                    {"index":2,"reason":"other-time"},{"index":4,"reason":"other-time"}]}

                    """)
        }
    }

    @Test func `refuses a body of another form`() async throws {
        let mark =
            #"{"clinic_id":"ID","period":1,"epoch":"00000000000000aa","used":1,"credited":0,"config_version":0,"seen_at":1}"#
        let rows = [
            ("", "cannot be read as JSON"), ("[]", "one field marks"),
            (#"{"marks":[]}"#, "1 to 1000"),
            (#"{"marks":[1]}"#, "marks[0]"),
            (#"{"marks":[MARK],"x":1}"#, "one field"),
            (
                #"{"marks":[MARK,\#(mark.replacing("\"used\":1", with: "\"used\":-1"))]}"#,
                "marks[1].used"
            ),
            (
                #"{"marks":[\#(mark.replacing("\"used\":1", with: "\"used\":1.0"))]}"#,
                "marks[0].used"
            ),
            (
                #"{"marks":[\#(mark.replacing("\"credited\":0", with: "\"credited\":2"))]}"#,
                "more than used"
            ),
            (
                #"{"marks":[\#(mark.replacing("00000000000000aa", with: "0000000000000000"))]}"#,
                "epoch"
            ),
            (#"{"marks":[\#(mark.replacing("ID", with: "no"))]}"#, "clinic_id"),
        ]
        for (body, part) in rows {
            let text = body.replacing("MARK", with: mark)
                .replacing("ID", with: "fb6f3645-17ca-46ef-8c37-77c0171eba42")
            let problem = #expect(throws: Problem.self) { try MarksCall(body: Array(text.utf8)) }
            #expect(problem?.detail.contains(part) == true, "\(text): \(problem?.detail ?? "")")
        }
    }
}

@Suite(.timed) struct `Allowance of posted marks` {
    private typealias Allowance = PostedMarks.Allowance

    @Test(
        arguments: [
            (nil, 0, 4_000_000), (0, 2_000_000, 100_000), (0, 19, 0), (0, 20, 0), (0, 1_000, 50),
            (3_999_999, 1_000_000, 4_000_000), (5, -7, 5), (0, Int64.max / 4, 4_000_000),
        ] as [(Int64?, Int64, Int64)])
    func `fills up to a minute and one burst`(units: Int64?, elapsed: Int64, expected: Int64) {
        let before = units.map { Allowance(units: $0, at: 1_000) }
        let after = PostedMarks.refilled(
            before, rate: 50_000, burst: 1_000_000, now: 1_000 + elapsed)
        #expect(after.units == expected)
    }

    @Test func `loses nothing when it is asked often`() {
        var allowance = Allowance(units: 0, at: 0)
        for now in stride(from: Int64(0), through: 3_000_000, by: 100) {
            allowance = PostedMarks.refilled(allowance, rate: 7, burst: 1_000, now: now)
        }
        #expect((20...21).contains(allowance.units))
    }
}

private struct Posted {
    let text: String

    init(
        _ clinic: ClinicID, _ month: Month, epoch: UInt64, used: Int64, credited: Int64 = 0,
        offset: Int64 = 0, seen: Int64? = nil
    ) {
        text =
            #"{"clinic_id":"\#(clinic)","period":\#(month.start + offset),"epoch":"\#(Epoch(rawValue: epoch))","#
            + #""used":\#(used),"credited":\#(credited),"config_version":1,"seen_at":\#(seen ?? month.start + 1)}"#
    }
}

extension RunningWorker {
    fileprivate func post(_ marks: [Posted]) async throws -> HTTPWire.Reply {
        let body = #"{"marks":[\#(marks.map(\.text).joined(separator: ","))]}"#
        let reply = try await request("POST", "/v1/marks", body: body, key: key)
        #expect(reply.status == 200, "\(reply.body)")
        return reply
    }
}
