import DatabaseSupport
import FoundationEssentials
import Glibc
import Ledger
import LocalServers
import Metering
import TestSupport
import Testing
import WorkerSupport

@testable import MeteringWorker

/// `POST /v1/check` about users, patients and storage: what the database would say.
@Suite(.timed, .serialized) struct `HTTP advice` {
    @Test func `returns all three limits, and 409 where no capacity is left`() async throws {
        try await RunningWorker.lend { worker in
            let clinic = try await worker.clinicWithPatients(2)
            let allowed = try await worker.check(clinic, #","limit":"patients""#)
            #expect(allowed.status == 200)
            #expect(
                allowed.body == """
                    {"allowed":true,"clinic_id":"\(clinic)","enforced":true,"limits":[\
                    {"denied":false,"limit":10,"name":"users","remaining":10,"used":0},\
                    {"denied":false,"limit":3,"name":"patients","remaining":1,"used":2},\
                    {"denied":false,"limit":100,"name":"storage","remaining":100,"used":0}],\
                    "reasons":[]}

                    """)
            let denied = try await worker.check(clinic, #","limit":"patients","cost":2"#)
            #expect(denied.status == 409)
            #expect(denied.field("content-type") == "application/problem+json")
            #expect(denied.field("retry-after") == nil && denied.field("ratelimit") == nil)
            let body = try AdviceBody(denied)
            #expect(!body.allowed && body.enforced && body.reason == "limit_reached")
            #expect(body.limits.filter(\.denied).map(\.name) == ["patients"])
            #expect(body.type == "urn:metering-worker:problem:limit-reached")
            #expect(body.title == "The plan allows no more patients" && body.status == 409)
            #expect(body.detail?.hasPrefix("2 of 3 are in use") == true)
            // Bytes may be many.
            #expect(
                try await worker.check(clinic, #","limit":"storage","cost":9007199254740991"#)
                    .status == 409)
            let malformed = try await worker.check(clinic, #","limit":"users","cost":1000001"#)
            #expect(malformed.status == 400 && malformed.body.contains("from 1 to 1000000"))
            // Nothing of it was counted, and Redis was told nothing of the clinic.
            #expect(try Answer(try await worker.usage(clinic)).usage.used == 0)
        }
    }

    @Test func `allows what is only observed, and says so`() async throws {
        try await RunningWorker.lend { worker in
            try await worker.database.ask("UPDATE metering.limit_mode SET enforced = false")
            let clinic = try await worker.clinicWithPatients(3)
            let over = try AdviceBody(try await worker.check(clinic, #","limit":"patients""#))
            #expect(over.allowed && !over.enforced && over.reason == "not_enforced")
            let free = try await worker.database.clinic(nil)
            let body = try AdviceBody(try await worker.check(free, #","limit":"users""#))
            #expect(body.allowed && body.reason == "no_subscription")
            #expect(body.limits.allSatisfy { $0.limit == nil && $0.remaining == nil })
        }
    }

    @Test func `needs a key that may check, and knows only clinics that exist`() async throws {
        try await RunningWorker.lend { worker in
            let clinic = try await worker.clinicWithPatients(0)
            let body = #"{"clinic_id":"\#(clinic)","limit":"users"}"#
            for (key, status) in [
                (nil, 401), (try await worker.newKey([.usage]), 403),
                (try await worker.newKey([.check]), 200),
                (try await worker.newKey([.check], clinics: [ClinicID(high: 1, low: 1)]), 404),
            ] {
                let reply = try await worker.request("POST", "/v1/check", body: body, key: key)
                #expect(reply.status == status)
            }
            let nobody = try await worker.check(
                ClinicID(high: 1, low: 2), #","limit":"patients""#)
            #expect(nobody.status == 404)
        }
    }

    @Test func `is 503 without PostgreSQL, and other limits are answered all the same`()
        async throws
    {
        try await TestDatabase.lendAlone { database in
            try await RunningWorker.lend(on: database) { worker in
                let clinic = try await worker.clinicWithPatients(0)
                try await waitUntil("a call is allowed") {
                    try await worker.check(clinic).status == 200
                }
                let frozen = try await database.freeze()
                let reply = try await worker.check(clinic, #","limit":"users""#)
                #expect(reply.status == 503 && reply.field("retry-after") == "1")
                #expect(try await worker.check(clinic).status == 200)
                for process in frozen { process.send(SIGCONT) }
                try await waitUntil("advice is given again") {
                    try await worker.check(clinic, #","limit":"users""#).status == 200
                }
            }
        }
    }
}

/// The body of advice; numbers may be null.
private struct AdviceBody: Decodable {
    struct Limit: Decodable {
        let name: String
        let used: Int64
        let limit, remaining: Int64?
        let denied: Bool
    }

    let allowed, enforced: Bool
    let reason: String?
    let limits: [Limit]
    let type, title, detail: String?
    let status: Int?

    init(_ reply: HTTPWire.Reply) throws {
        self = try JSONDecoder().decode(AdviceBody.self, from: Data(reply.body.utf8))
    }
}

extension RunningWorker {
    /// A clinic on a plan for ten users, three patients and 100 bytes.
    fileprivate func clinicWithPatients(_ count: Int) async throws -> ClinicID {
        let clinic = try await database.clinic(#"{"storage_bytes":100}"#)
        try await database.ask(
            "UPDATE subscription_plans SET max_patients = 3 WHERE name = 'plan of \(clinic)'")
        try await database.ask(
            """
            INSERT INTO patients (name, clinic_id)
            SELECT 'p', '\(clinic)' FROM generate_series(1, \(count))
            """)
        return clinic
    }
}
