import DatabaseSupport
import Metering
import TestSupport
import Testing
import WorkerSupport

@testable import MeteringWorker

/// Every field of every kind of answer, as a client sees it.
@Suite(.timed, .serialized) struct `HTTP check` {
    /// 20 units a second, 60 at once; 500 a month.
    private let quick =
        #"{"limits":{"default":{"rate":20,"per":"1s","burst":60}},"quota":{"api_calls":500}}"#
    /// One unit a day, three at once: nothing comes back while a test runs.
    private let slow = #"{"limits":{"default":{"rate":1,"per":"1d","burst":3}}}"#

    @Test func `allows, and tells every number`() async throws {
        try await RunningWorker.lend { worker in
            let clinic = try await worker.database.clinic(quick)
            let reply = try await worker.check(clinic)
            let month = try await worker.month()
            #expect(reply.status == 200)
            #expect(
                reply.body == """
                    {"allowed":true,"clinic_id":"\(clinic)","limits":[{"denied":false,"limit":60,\
                    "name":"default","remaining":59,"reset_after_ms":50,"window_ms":3000}],"reasons":[],\
                    "usage":{"month":"\(month)","quota":500,"remaining":499,\
                    "resets_at":"\(try month.endText)","used":1}}

                    """)
            #expect(reply.field("content-type") == "application/json")
            #expect(reply.field("cache-control") == "no-store")
            #expect(reply.field("ratelimit-policy") == #""default";q=60;w=3"#)
            #expect(reply.field("ratelimit") == #""default";r=59;t=1"#)
            #expect(reply.field("retry-after") == nil)
        }
    }

    @Test func `denies by the rate limit, and says when to come again`() async throws {
        try await RunningWorker.lend { worker in
            let clinic = try await worker.database.clinic(slow)
            for remaining in [2, 1, 0] {
                let reply = try await worker.check(clinic)
                #expect(reply.status == 200)
                #expect(
                    reply.field("ratelimit")?.hasPrefix("\"default\";r=\(remaining);t=") == true)
            }
            let reply = try await worker.check(clinic)
            let body = try Answer(reply)
            #expect(reply.status == 429)
            #expect(reply.field("content-type") == "application/problem+json")
            #expect(reply.field("ratelimit-policy") == #""default";q=3;w=259200"#)
            #expect(reply.field("ratelimit")?.hasPrefix(#""default";r=0;t="#) == true)
            let wait = try #require(reply.field("retry-after").flatMap { Int64($0) })
            #expect((86_000...86_400).contains(wait))
            let milliseconds = try #require(body.retry_after_ms)
            #expect((wait * 1_000 - 999...wait * 1_000).contains(milliseconds))
            #expect(body.allowed == false && body.reason == "rate_limit")
            #expect(body.reasons == ["rate_limit"])
            #expect(body.type == "urn:metering-worker:problem:rate-limited" && body.status == 429)
            #expect(body.title == "Too many calls at once")
            #expect(body.detail == "default: ask again in \(milliseconds) ms")
            #expect(body.usage.used == 3 && body.usage.quota == nil && body.usage.remaining == nil)
            #expect(body.limits.map(\.denied) == [true] && body.limits[0].remaining == 0)
            #expect(reply.body.contains(#""quota":null,"remaining":null"#))
        }
    }

    @Test func `denies by the quota until the month ends`() async throws {
        try await RunningWorker.lend { worker in
            let clinic = try await worker.database.clinic(#"{"quota":{"api_calls":5}}"#)
            #expect(try await worker.check(clinic, #","cost":5"#).status == 200)
            let reply = try await worker.check(clinic)
            let body = try Answer(reply)
            let end = try await worker.month().endText
            #expect(reply.status == 429)
            #expect(body.reasons == ["quota"] && body.reason == "quota")
            #expect(body.type == "urn:metering-worker:problem:quota-exceeded")
            #expect(body.detail == "5 of 5 units are used; the next month starts at \(end)")
            #expect(body.usage.used == 5 && body.usage.remaining == 0 && body.limits.isEmpty)
            #expect(body.usage.resets_at == end)
            #expect(reply.field("ratelimit") == nil && reply.field("ratelimit-policy") == nil)
            #expect(reply.field("retry-after").flatMap { Int64($0) } ?? 0 > 0)
        }
    }

    @Test(arguments: ["canceled", "expired"])
    func `denies with 402 when the subscription has ended`(status: String) async throws {
        try await RunningWorker.lend { worker in
            let clinic = try await worker.database.clinic(slow, status: status)
            let reply = try await worker.check(clinic)
            let body = try Answer(reply)
            #expect(reply.status == 402 && body.status == 402)
            #expect(body.reasons == ["subscription_ended"] && body.allowed == false)
            #expect(body.type == "urn:metering-worker:problem:subscription-ended")
            #expect(body.retry_after_ms == nil && reply.field("retry-after") == nil)
            #expect(body.usage.used == 0 && body.limits.map(\.remaining) == [3])
        }
    }

    /// 402 comes before 429, and the body tells both.
    @Test func `names every reason, the first one deciding the status`() async throws {
        try await RunningWorker.lend { worker in
            let plan =
                #"{"limits":{"default":{"rate":1,"per":"1d","burst":3}},"quota":{"api_calls":2}}"#
            let clinic = try await worker.database.clinic(plan, status: "canceled")
            let ended = try Answer(try await worker.check(clinic, #","cost":4"#))
            #expect(ended.status == 402)
            #expect(ended.reasons == ["subscription_ended", "rate_limit", "quota"])
            let open = try await worker.database.clinic(plan)
            let both = try await worker.check(open, #","cost":4"#)
            #expect(try Answer(both).reasons == ["rate_limit", "quota"])
            // A cost that no waiting ever makes room for names no time to come again.
            #expect(both.status == 429 && both.field("retry-after") == nil)
            #expect(
                try Answer(both).detail == "default: the cost is larger than the limit ever admits")
        }
    }

    @Test(arguments: ["suspended", "paused"])
    func `lets a suspended clinic read, and refuses what it writes`(status: String) async throws {
        try await RunningWorker.lend { worker in
            let plan = #"{"limits":{"default":{"rate":1,"per":"1d","burst":30}}}"#
            let clinic = try await worker.database.clinic(plan, status: status)
            for word in ["", #","access":"read""#] {
                #expect(try await worker.check(clinic, word).status == 200)
            }
            let reply = try await worker.check(clinic, #","access":"write""#)
            let body = try Answer(reply)
            #expect(reply.status == 402 && body.allowed == false)
            #expect(body.reasons == ["read_only", "suspended"])
            #expect(body.type == "urn:metering-worker:problem:read-only")
            #expect(body.usage.used == 2 && reply.field("retry-after") == nil)
            let wrong = try await worker.check(clinic, #","access":"both""#)
            #expect(wrong.status == 400)
            let open = try await worker.database.clinic(plan)
            #expect(try await worker.check(open, #","access":"write""#).status == 200)
        }
    }

    @Test(arguments: ["suspended", "paused"])
    func `lets a suspended clinic through at a tenth`(status: String) async throws {
        try await RunningWorker.lend { worker in
            let plan = #"{"limits":{"default":{"rate":1,"per":"1d","burst":20}}}"#
            let clinic = try await worker.database.clinic(plan, status: status)
            for _ in 0..<2 {
                let reply = try await worker.check(clinic)
                #expect(reply.status == 200)
                #expect(try Answer(reply).reasons == ["suspended"])
                #expect(reply.field("ratelimit-policy") == #""default";q=2;w=1728000"#)
            }
            let denied = try await worker.check(clinic)
            #expect(denied.status == 429)
            #expect(try Answer(denied).reasons == ["rate_limit", "suspended"])
        }
    }

    @Test func `allows without limits where there is no subscription`() async throws {
        try await RunningWorker.lend { worker in
            let clinic = try await worker.database.clinic(nil)
            let reply = try await worker.check(clinic, #","cost":1000000"#)
            let body = try Answer(reply)
            #expect(reply.status == 200 && body.allowed == true)
            #expect(body.reason == "no_subscription" && body.reasons == ["no_subscription"])
            #expect(body.limits.isEmpty && body.usage.used == 1_000_000 && body.usage.quota == nil)
            #expect(reply.field("ratelimit") == nil)
        }
    }

    @Test func `asks the limit that is named, and lists all`() async throws {
        try await RunningWorker.lend { worker in
            let clinic = try await worker.database.clinic(
                """
                {"limits":{"default":{"rate":1,"per":"1d","burst":9,
                                      "sustained":{"rate":4,"per":"30d"}},
                           "export":{"rate":1,"per":"1d","burst":2}}}
                """)
            let export = try await worker.check(clinic, #","limit":"export","cost":2"#)
            #expect(export.field("ratelimit-policy") == #""export";q=2;w=172800"#)
            let limits = try Answer(export).limits
            #expect(limits.map(\.name) == ["default", "default.sustained", "export"])
            #expect(limits.map(\.remaining) == [9, 4, 0])
            #expect(try await worker.check(clinic, #","limit":"export""#).status == 429)
            // The sustained window says no while the burst still has room.
            let sustained = try await worker.check(clinic, #","cost":4"#)
            #expect(sustained.status == 200)
            #expect(
                sustained.field("ratelimit-policy")
                    == #""default";q=9;w=777600, "default.sustained";q=4;w=2592000"#)
            let denied = try await worker.check(clinic)
            #expect(try Answer(denied).limits.map(\.denied) == [false, true, false])
            #expect(try Answer(denied).detail?.hasPrefix("default.sustained: ask again") == true)
            #expect(denied.status == 429)
            // A denied call took nothing from the other window.
            #expect(try Answer(denied).limits.map(\.remaining) == [5, 0, 0])
            #expect(try Answer(denied).usage.used == 6)
        }
    }

    @Test func `counts nothing when it only peeks`() async throws {
        try await RunningWorker.lend { worker in
            let clinic = try await worker.database.clinic(slow)
            for _ in 0..<5 {
                let peek = try Answer(try await worker.check(clinic, #","mode":"peek""#))
                #expect(peek.usage.used == 0 && peek.limits.map(\.remaining) == [3])
                let usage = try await worker.usage(clinic)
                #expect(usage.status == 200 && usage.field("ratelimit") == nil)
                let body = try Answer(usage)
                #expect(body.usage.used == 0 && body.limits.map(\.remaining) == [3])
                #expect(body.allowed == nil && body.type == nil)
            }
            #expect(try await worker.check(clinic, #","mode":"peek","cost":4"#).status == 429)
            #expect(try Answer(try await worker.check(clinic)).usage.used == 1)
        }
    }
}

extension Month {
    /// `2026-12-01T00:00:00Z` for November.
    fileprivate var endText: String {
        get throws { "\(try #require(next))-01T00:00:00Z" }
    }
}
