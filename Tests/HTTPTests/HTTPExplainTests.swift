import DatabaseSupport
import Foundation
import Ledger
import LocalServers
import Metering
import Postgres
import TestSupport
import Testing
import WorkerSupport

@testable import MeteringWorker

@Suite(.timed, .serialized) struct `HTTP explain` {
    /// The members that a person looks for.
    private struct Explanation: Decodable {
        struct Source: Decodable, Equatable {
            let from: String
            var plan: String?
            var plan_version, override_id: Int64?
            var reason: String?
        }
        struct Limit: Decodable {
            let name: String
            let limit, used, remaining, next_free_after_ms, all_free_after_ms: Int64
            let source: Source
        }
        struct Quota: Decodable {
            let used: Int64
            let limit: Int64?
            let source: Source
        }
        struct Counted: Decodable {
            let name: String
            let used: Int64
            let limit: Int64?
            let source: Source
        }
        struct Denials: Decodable {
            struct Denial: Decodable {
                let at, reason: String
                let limits: [String]
                let retry_after_ms: Int64?
            }
            let watching_since: String
            let last: [Denial]
        }
        let standing: String?
        let limits: [Limit]
        let quota: Quota
        let counted: [Counted]
        let denials_by_this_worker: Denials
    }

    private func explain(_ clinic: ClinicID, _ worker: RunningWorker) async throws -> Explanation {
        let reply = try await worker.request(
            "GET", "/v1/clinics/\(clinic)/explain", key: worker.key)
        #expect(reply.status == 200, "\(reply.body)")
        return try JSONDecoder().decode(Explanation.self, from: Data(reply.body.utf8))
    }

    @Test func `says of each number where it comes from, and what was denied`() async throws {
        try await RunningWorker.lend { worker in
            let clinic = try await worker.database.clinic(
                #"{"limits":{"default":{"rate":1,"per":"1h","burst":2}},"quota":{"api_calls":9}}"#)
            try await worker.database.override(clinic, "'quota', 500")
            try await waitUntil("the override is there") {
                try Answer(try await worker.usage(clinic)).usage.quota == 500
            }
            for status in [200, 200, 429, 429] {
                #expect(try await worker.check(clinic).status == status)
            }
            let told = try await explain(clinic, worker)
            #expect(told.standing == "active")
            let limit = try #require(told.limits.first)
            #expect((limit.name, limit.limit, limit.used, limit.remaining) == ("default", 2, 2, 0))
            #expect((1...3_600_000).contains(limit.next_free_after_ms))
            #expect((3_600_001...7_200_000).contains(limit.all_free_after_ms))
            let plan = Explanation.Source(from: "plan", plan: "plan of \(clinic)", plan_version: 1)
            #expect(limit.source == plan)
            #expect((told.quota.used, told.quota.limit) == (2, 500))
            #expect(told.quota.source.from == "override")
            #expect(told.quota.source.override_id != nil)
            #expect(told.counted.map(\.name) == ["users", "patients", "storage"])
            #expect(told.counted[0].limit == 10)
            #expect(told.counted[0].source == plan)
            let denials = told.denials_by_this_worker
            #expect(denials.last.map(\.reason) == ["rate_limit", "rate_limit"])
            #expect(denials.last.map(\.limits) == [["default"], ["default"]])
            #expect(denials.last.allSatisfy { $0.at >= denials.watching_since })
            #expect(try Answer(try await worker.usage(clinic)).usage.used == 2, "it counts nothing")
        }
    }

    @Test func `has no sources for a clinic without a subscription`() async throws {
        try await RunningWorker.lend { worker in
            let clinic = try await worker.database.clinic(nil)
            let told = try await explain(clinic, worker)
            #expect(told.limits.isEmpty)
            #expect(told.standing == nil)
            #expect(told.quota.source == .init(from: "none"))
            #expect(told.denials_by_this_worker.last.isEmpty)
        }
    }
}
