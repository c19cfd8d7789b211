import DatabaseSupport
import Foundation
import Ledger
import LocalServers
import Metering
import TestSupport
import Testing
import WorkerSupport

@testable import MeteringWorker

/// Which answer wins when several apply, and who may ask what.
@Suite(.timed, .serialized) struct `HTTP order of answers` {
    /// Ended, out of burst and out of quota: whoever gets so far hears 402.
    private let spent =
        #"{"limits":{"default":{"rate":1,"per":"1d","burst":1}},"quota":{"api_calls":0}}"#

    /// Each row has one fault less than the row before; the first fault decides.
    @Test func `is 400, 401, 403, 404, 402, 429`() async throws {
        try await RunningWorker.lend { worker in
            let ended = try await worker.database.clinic(spent, status: "canceled")
            let open = try await worker.database.clinic(spent)
            let usageKey = try await worker.newKey([.usage], clinics: [open])
            let otherKey = try await worker.newKey([.check], clinics: [open])
            let body = #"{"clinic_id":"\#(ended)","cost":2}"#
            let rows: [(body: String, key: String?, status: Int, code: String)] = [
                (body + "x", nil, 400, "bad-request"), (body, nil, 401, "unauthorized"),
                (body, "mk_wrong", 401, "unauthorized"), (body, usageKey, 403, "forbidden"),
                (body, otherKey, 404, "unknown-clinic"),
                (body, worker.key, 402, "subscription-ended"),
                (#"{"clinic_id":"\#(open)","cost":2}"#, worker.key, 429, "rate-limited"),
                (#"{"clinic_id":"\#(open)"}"#, otherKey, 429, "quota-exceeded"),
            ]
            for row in rows {
                let reply = try await worker.request(
                    "POST", "/v1/check", body: row.body, key: row.key)
                #expect(reply.status == row.status)
                try expectProblem(reply, row.code)
                #expect((reply.field("www-authenticate") == "Bearer") == (row.status == 401))
            }
        }
    }

    @Test func `keeps the faults of a request before the state of the stores`() async throws {
        let settings = ["METERING_CHECK_TIMEOUT": "100ms", "METERING_ON_OUTAGE": "deny"]
        try await RunningWorker.lend(settings) { worker in
            let clinic = try await worker.database.clinic(nil)
            let limited = try await worker.newKey([.check], clinics: [clinic])
            let usage = try await worker.newKey([.usage])
            await worker.redis.stop()
            let body = #"{"clinic_id":"\#(clinic)"}"#
            let other = #"{"clinic_id":"\#(ClinicID(high: 1, low: 2))"}"#
            for (body, key, status) in [
                ("{", limited, 400), (body, "mk_wrong", 401), (body, usage, 403),
                (other, limited, 404), (body, limited, 503),
            ] {
                let reply = try await worker.request("POST", "/v1/check", body: body, key: key)
                #expect(reply.status == status)
            }
            try await worker.redis.start()
        }
    }

    @Test func `400 names what is wrong`() async throws {
        let rows = [
            ("", "not a JSON object"), ("[]", "not a JSON object"), ("{}", "clinic_id is missing"),
            (#"{"clinic_id":"x"}"#, "36 characters"), (#"{"clinic_id":null}"#, "36 characters"),
            (#"{"clinic_id":7}"#, "36 characters"), (#"{"clinic_id":{}}"#, "object or a list"),
            (#"{"clinic_id":"ID","cost":0}"#, "1 to 1000000"),
            (#"{"clinic_id":"ID","cost":1000001}"#, "1 to 1000000"),
            (#"{"clinic_id":"ID","cost":-1}"#, "1 to 1000000"),
            (#"{"clinic_id":"ID","cost":"1"}"#, "1 to 1000000"),
            (#"{"clinic_id":"ID","cost":1.5}"#, "not a whole number"),
            (#"{"clinic_id":"ID","cost":99999999999999999999}"#, "not a number that fits"),
            (#"{"clinic_id":"ID","limit":""}"#, "1 to 40"),
            (#"{"clinic_id":"ID","limit":3}"#, "1 to 40"),
            (#"{"clinic_id":"ID","limit":"nothing"}"#, #"no limit "nothing""#),
            (#"{"clinic_id":"ID","mode":"look"}"#, "consume"),
            (#"{"clinic_id":"ID","mode":true}"#, "consume"),
            (#"{"clinic_id":"ID","units":1}"#, #"unknown field "units""#),
            (#"{"clinic_id":"ID","clinic_id":"ID"}"#, "comes twice"),
        ]
        try await RunningWorker.lend { worker in
            let clinic = try await worker.database.clinic(spent)
            for (body, part) in rows {
                let reply = try await worker.request(
                    "POST", "/v1/check",
                    body: body.replacingOccurrences(of: "ID", with: "\(clinic)"), key: worker.key)
                #expect(reply.status == 400)
                try expectProblem(reply, "bad-request")
                #expect(try ProblemBody(reply).detail.contains(part))
            }
        }
    }

    @Test func `401 for every key that is none`() async throws {
        try await RunningWorker.lend { worker in
            let clinic = try await worker.database.clinic(nil)
            let body = #"{"clinic_id":"\#(clinic)"}"#
            for field in [
                "", "Bearer", "Bearer ", "Basic \(worker.key)", worker.key, "Bearer \(worker.key)x",
                "Bearer \(worker.key.dropLast())", "Bearer x\(worker.key)",
                "Bearer \(worker.key.uppercased())",
                "Bearer " + String(repeating: "a", count: 4_000),
            ] {
                let reply = try await HTTPWire.talk(to: worker.port) { wire in
                    try await wire.send(
                        "POST /v1/check HTTP/1.1\r\nHost: x\r\nAuthorization: \(field)\r\n"
                            + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
                    return try await wire.reply()
                }
                #expect(reply.status == 401)
                #expect(!reply.body.contains(worker.key.prefix(20)))
            }
            let lower = try await HTTPWire.talk(to: worker.port) { wire in
                try await wire.send(
                    "POST /v1/check HTTP/1.1\r\nHost: x\r\nauthorization: bearer  \(worker.key)\r\n"
                        + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
                return try await wire.reply()
            }
            #expect(lower.status == 200)
        }
    }

    @Test func `lets a key do what its scopes and clinics say`() async throws {
        try await RunningWorker.lend { worker in
            let (mine, other) = (
                try await worker.database.clinic(nil), try await worker.database.clinic(nil)
            )
            var rows: [(key: String, clinics: [ClinicID], check: Int, usage: Int)] = []
            for (scopes, check, usage) in [
                ([StoredKey.Scope.check], 200, 403), ([.usage], 403, 200),
                ([.check, .usage], 200, 200), ([.admin], 200, 200),
            ] as [(Set<StoredKey.Scope>, Int, Int)] {
                for clinics in [[], [mine], [mine, other]] as [[ClinicID]] {
                    let key = try await worker.database.makeKey(scopes, clinics: clinics)
                    rows.append((key, clinics, check, usage))
                }
            }
            // Keys are taken over all at once, so who knows a later one knows these.
            _ = try await worker.newKey([.check])
            for row in rows {
                for clinic in [mine, other] {
                    let seen = row.clinics.isEmpty || row.clinics.contains(clinic)
                    let asked = try await worker.request(
                        "POST", "/v1/check", body: #"{"clinic_id":"\#(clinic)"}"#, key: row.key)
                    #expect(asked.status == (row.check == 200 && !seen ? 404 : row.check))
                    let looked = try await worker.request(
                        "GET", "/v1/clinics/\(clinic)/usage", key: row.key)
                    #expect(looked.status == (row.usage == 200 && !seen ? 404 : row.usage))
                }
            }
        }
    }

    /// What a key may not see looks to it like what does not exist, byte for byte.
    @Test func `does not reveal that a clinic of others exists`() async throws {
        try await RunningWorker.lend { worker in
            let (mine, other) = (
                try await worker.database.clinic(nil), try await worker.database.clinic(nil)
            )
            let key = try await worker.newKey([.admin], clinics: [mine])
            let nobody = ClinicID(high: 3, low: 4)
            for path in ["/v1/check", "/v1/clinics/ID/usage"] {
                let method = path == "/v1/check" ? "POST" : "GET"
                var seen: [[String]] = []
                for (clinic, key) in [(other, key), (nobody, key), (nobody, worker.key)] {
                    let reply = try await worker.request(
                        method, path.replacingOccurrences(of: "ID", with: "\(clinic)"),
                        body: method == "POST" ? #"{"clinic_id":"\#(clinic)"}"# : "", key: key)
                    let fields = reply.fields.filter { $0.name != "date" }
                    seen.append(fields.map { "\($0.name): \($0.value)" } + [reply.body])
                }
                #expect(seen[0] == seen[1] && seen[1] == seen[2])
            }
        }
    }

    @Test func `404 for other paths, 405 for other methods`() async throws {
        try await RunningWorker.lend { worker in
            let id = ClinicID(high: 1, low: 1)
            for path in [
                "/", "/v1", "/v1/check/", "//v1/check", "/V1/check", "/v2/check", "/healthz/x",
                "/v1/clinics/\(id)", "/v1/clinics/\(id)/usage/", "/v1/clinics/a/b/usage",
                "/v1/%63heck", "/../v1/check", "/" + String(repeating: "a", count: 4_000),
            ] {
                let reply = try await worker.request("GET", path, key: worker.key)
                #expect(reply.status == 404)
                try expectProblem(reply, "not-found")
            }
            for (method, path, allowed) in [
                ("GET", "/v1/check", "POST"), ("PUT", "/v1/check", "POST"),
                ("POST", "/healthz", "GET"), ("DELETE", "/readyz", "GET"),
                ("POST", "/v1/clinics/\(id)/usage", "GET"), ("PATCH", "/v1/check?x=1", "POST"),
            ] {
                let reply = try await worker.request(method, path, key: nil)
                #expect(reply.status == 405 && reply.field("allow") == allowed)
                try expectProblem(reply, "method-not-allowed")
            }
            #expect(
                try await worker.request("GET", "/v1/clinics/x/usage", key: worker.key).status
                    == 400)
        }
    }

    /// An answer to HEAD has no body: bytes of one would be read as the beginning of the next answer.
    @Test func `keeps the connection in step after HEAD`() async throws {
        try await RunningWorker.lend { worker in
            try await HTTPWire.talk(to: worker.port) { wire in
                for path in ["/healthz", "/v1/check", "/nothing"] {
                    try await wire.send(HTTPWire.request("HEAD", path, key: nil))
                    let head = try await wire.reply(hasBody: false)
                    #expect(head.status == (path == "/nothing" ? 404 : 405))
                    try await wire.send(HTTPWire.request("GET", "/healthz", key: nil))
                    let health = try await wire.reply()
                    #expect(health.status == 200 && health.body == "{\"status\":\"alive\"}\n")
                }
            }
        }
    }

    /// An error has exactly the four members of a problem document; a denial has them among its own.
    private func expectProblem(_ reply: HTTPWire.Reply, _ code: String) throws {
        let problem = try ProblemBody(reply)
        #expect(problem.code == code && problem.status == reply.status)
        #expect(!problem.title.isEmpty && !problem.detail.isEmpty)
        #expect(problem.type == "urn:metering-worker:problem:\(code)")
        #expect(reply.field("content-type") == "application/problem+json")
        #expect(reply.field("cache-control") == "no-store")
        guard ![402, 429].contains(reply.status) else { return }
        let object = try JSONSerialization.jsonObject(with: Data(reply.body.utf8))
        let members = try #require(object as? [String: Any])
        #expect(Set(members.keys) == ["type", "title", "status", "detail"])
    }
}
