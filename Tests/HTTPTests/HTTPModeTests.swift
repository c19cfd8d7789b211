import DatabaseSupport
import Metering
import TestSupport
import Testing
import WorkerSupport

@testable import MeteringWorker

/// Calls that are counted whatever limits say, as far as there is room, and beside limits in shadow.
@Suite(.timed, .serialized) struct `HTTP check modes` {
    /// One unit a day, three at once; five a month.
    private let slow =
        #"{"limits":{"default":{"rate":1,"per":"1d","burst":3}},"quota":{"api_calls":5}}"#

    @Test func `count by force what has happened already`() async throws {
        try await RunningWorker.lend { worker in
            let clinic = try await worker.database.clinic(slow)
            let force = #","mode":"force""#
            let first = try Answer(try await worker.check(clinic, force))
            #expect(first.allowed == true && first.reasons == [] && first.usage.used == 1)
            let reply = try await worker.check(clinic, force + #","cost":1000000"#)
            let body = try Answer(reply)
            #expect(reply.status == 200 && body.allowed == true)
            #expect(body.reasons == ["rate_limit", "quota"] && body.usage.used == 1_000_001)
            #expect(body.limits.map(\.remaining) == [0] && body.limits.map(\.denied) == [true])
            #expect(body.retry_after_ms == nil && reply.field("retry-after") == nil)
            #expect(body.admitted == nil && body.type == nil)
            let unknown = try await worker.check(clinic, force + #","limit":"nowhere""#)
            #expect(try unknown.status == 200 && Answer(unknown).usage.used == 1_000_002)
            #expect(try await worker.check(clinic).status == 429)
            let ended = try await worker.database.clinic(slow, status: "canceled")
            let late = try await worker.check(ended, force + #","access":"write""#)
            #expect(try late.status == 200 && Answer(late).reasons == ["subscription_ended"])
            #expect(try Answer(try await worker.usage(ended)).usage.used == 1)
            let seats = try await worker.check(clinic, force + #","limit":"users""#)
            #expect(seats.status == 400)
        }
    }

    @Test func `admit as much as there is room for`() async throws {
        try await RunningWorker.lend { worker in
            let clinic = try await worker.database.clinic(slow)
            let whole = try Answer(try await worker.check(clinic, #","mode":"at_most","cost":2"#))
            #expect(whole.admitted == 2 && whole.reasons == [] && whole.retry_after_ms == nil)
            let reply = try await worker.check(clinic, #","mode":"at_most","cost":7"#)
            let part = try Answer(reply)
            #expect(reply.status == 200 && part.allowed == true && part.admitted == 1)
            #expect(part.usage.used == 3 && part.reasons == ["rate_limit"])
            #expect(part.retry_after_ms ?? 0 > 0 && reply.field("retry-after") == nil)
            let none = try await worker.check(clinic, #","mode":"at_most","cost":7"#)
            #expect(try none.status == 429 && Answer(none).admitted == 0)
            #expect(try Answer(try await worker.usage(clinic)).usage.used == 3)
            for cost in [0, 1_000_001] {
                let wrong = try await worker.check(clinic, #","mode":"at_most","cost":\#(cost)"#)
                #expect(wrong.status == 400)
            }
        }
    }

    @Test func `allow what only a limit in shadow would deny, and say so`() async throws {
        try await RunningWorker.lend { worker in
            let clinic = try await worker.database.clinic(
                """
                {"limits":{"default":{"rate":1,"per":"1d","burst":2,"shadow":true},
                           "export":{"rate":1,"per":"1d","burst":1}},
                 "quota":{"api_calls":3,"shadow":true}}
                """)
            for expected in [nil, nil, ["default"], ["default", "quota"]] {
                let reply = try await worker.check(clinic)
                let body = try Answer(reply)
                #expect(reply.status == 200 && body.reasons == [])
                #expect(body.would_deny == expected)
                #expect(body.limits.map(\.shadow) == [true, nil])
                #expect(reply.field("ratelimit") == nil && reply.field("ratelimit-policy") == nil)
            }
            let export = try await worker.check(clinic, #","limit":"export""#)
            #expect(export.status == 200 && export.field("ratelimit") != nil)
            #expect(try Answer(export).would_deny == ["quota"])
            #expect(try await worker.check(clinic, #","limit":"export""#).status == 429)
            #expect(try Answer(try await worker.usage(clinic)).usage.used == 5)
        }
    }

    @Test func `hold eight limits, each on its own`() async throws {
        try await RunningWorker.lend { worker in
            let names = ["default"] + (2...8).map { "limit-\($0)" }
            let limits = names.enumerated().map { index, name in
                #""\#(name)":{"rate":1,"per":"1d","burst":\#(index + 1)}"#
            }
            let clinic = try await worker.database.clinic(
                #"{"limits":{\#(limits.joined(separator: ","))}}"#)
            for (index, name) in names.enumerated() {
                let cost = #","limit":"\#(name)","cost":\#(index + 1)"#
                #expect(try await worker.check(clinic, cost).status == 200)
                let denied = try await worker.check(clinic, #","limit":"\#(name)""#)
                #expect(denied.status == 429)
                #expect(try Answer(denied).limits.map(\.denied).firstIndex(of: true) == index)
            }
            #expect(try Answer(try await worker.usage(clinic)).usage.used == 36)
        }
    }
}
