import DatabaseSupport
import Ledger
import LocalServers
import Metering
import Postgres
import TestSupport
import Testing
import WorkerSupport

@testable import MeteringWorker

/// What a reverse proxy is told, asked as proxies ask.
@Suite(.timed, .serialized) struct `HTTP gateway` {
    private let plan =
        #"{"limits":{"default":{"rate":1,"per":"1d","burst":3},"export":{"rate":1,"per":"1d","burst":1}}}"#
    private let rules = ["METERING_GATEWAY_RULES": "/export=export,/free=none,/dear=default:2"]

    @Test func `lets through, counts, and refuses under the limit of the path`() async throws {
        try await RunningWorker.lend(rules) { worker in
            let clinic = try await worker.database.clinic(plan)
            let rows: [(uri: String, status: Int)] = [
                ("/export/all?limit=default", 204), ("/export", 429), ("/x/%2e%2e//export", 429),
                ("/free/page", 204), ("/dear", 204), ("/page", 204), ("/page", 429), ("/dear", 429),
                ("/free", 204),
            ]
            for row in rows {
                let reply = try await worker.gateway([
                    "X-Clinic-Id": "\(clinic)", "X-Forwarded-Uri": row.uri,
                    "X-Forwarded-Method": "GET",
                ])
                #expect(reply.status == row.status, "\(row.uri)")
                #expect((reply.field("retry-after") != nil) == (row.status == 429))
                #expect((reply.field("ratelimit") != nil) == !row.uri.hasPrefix("/free"))
                #expect(reply.body.isEmpty == (row.status == 204))
            }
            let usage = try Answer(try await worker.usage(clinic)).usage
            #expect(usage.used == 1 + 2 + 1)
        }
    }

    @Test func `counts as default where the plan has no limit of the rule`() async throws {
        try await RunningWorker.lend(rules) { worker in
            let clinic = try await worker.database.clinic(
                #"{"limits":{"default":{"rate":1,"per":"1d","burst":1}}}"#)
            let fields = ["X-Clinic-Id": "\(clinic)", "X-Forwarded-Uri": "/export"]
            #expect(try await worker.gateway(fields).status == 204)
            let reply = try await worker.gateway(fields)
            #expect(reply.status == 429)
            #expect(reply.field("ratelimit")?.hasPrefix("\"default\";r=0") == true)
        }
    }

    @Test func `knows who pays, and what a suspended clinic may do`() async throws {
        try await RunningWorker.lend { worker in
            let ended = try await worker.database.clinic(plan, status: "canceled")
            let halted = try await worker.database.clinic(plan, status: "suspended")
            let rows: [(clinic: ClinicID, method: String?, status: Int)] = [
                (ended, "GET", 402), (halted, "GET", 204), (halted, "POST", 402),
                (halted, nil, 402),
                (ClinicID(high: 1, low: 1), "GET", 404),
            ]
            for row in rows {
                var fields = ["X-Clinic-Id": "\(row.clinic)"]
                fields["X-Forwarded-Method"] = row.method
                #expect(try await worker.gateway(fields).status == row.status)
            }
            try await worker.database.ask(
                "DELETE FROM clinic_subscriptions WHERE clinic_id = $1::text::uuid",
                [.text("\(halted)")])
            // A roll-up may write its row between the two statements.
            try await waitUntil("the clinic is deleted") {
                for table in ["api_usage", "clinics"] {
                    let deleted = try? await worker.database.ask(
                        "DELETE FROM \(table) WHERE clinic_id = $1::text::uuid",
                        [.text("\(halted)")])
                    if deleted == nil { return false }
                }
                return true
            }
            try await waitUntil("the deleted clinic is unknown") {
                try await worker.gateway(["X-Clinic-Id": "\(halted)"]).status == 404
            }
        }
    }

    @Test func `says each refusal as 403 to nginx`() async throws {
        try await RunningWorker.lend(["METERING_ON_OUTAGE": "deny"]) { worker in
            let ended = try await worker.database.clinic(plan, status: "canceled")
            let full = try await worker.database.clinic(#"{"quota":{"api_calls":0}}"#)
            let usage = try await worker.newKey([.usage])
            let rows: [(fields: [String: String], key: String?, status: String)] = [
                (["X-Clinic-Id": "\(ended)"], worker.key, "402"),
                (["X-Clinic-Id": "\(full)"], worker.key, "429"),
                (["X-Clinic-Id": "\(ClinicID(high: 1, low: 1))"], worker.key, "404"),
                ([:], worker.key, "400"),
                (["X-Clinic-Id": "\(ended)"], nil, "401"),
                (["X-Clinic-Id": "\(ended)"], usage, "403"),
            ]
            for row in rows {
                let reply = try await worker.gateway(row.fields, query: "?deny=403", key: row.key)
                #expect(reply.status == 403)
                #expect(reply.field("x-metering-status") == row.status)
            }
            let open = try await worker.database.clinic(nil)
            let reply = try await worker.gateway(["X-Clinic-Id": "\(open)"], query: "?deny=403")
            #expect(reply.status == 204)
            #expect(reply.field("x-metering-status") == nil)
            await worker.redis.stop()
            let away = try await worker.gateway(["X-Clinic-Id": "\(open)"], query: "?deny=403")
            #expect(away.status == 403)
            #expect(away.field("x-metering-status") == "503")
            #expect(try await worker.gateway(["X-Clinic-Id": "\(open)"]).status == 503)
            try await worker.redis.start()
        }
    }

    @Test(arguments: ["?", "?deny=", "?deny=404", "?deny=403&x=1", "?limit=export", "?cost=0"])
    func `takes no other query`(query: String) async throws {
        try await RunningWorker.lend { worker in
            let clinic = try await worker.database.clinic(nil)
            let reply = try await worker.gateway(["X-Clinic-Id": "\(clinic)"], query: query)
            #expect(reply.status == (query == "?" ? 204 : 400) || reply.status == 400)
        }
    }

    @Test func `finds the clinic of a subdomain, also of one that is new or renamed`() async throws
    {
        let naming = ["METERING_GATEWAY_CLINIC": "subdomain:clinics.example"]
        try await RunningWorker.lend(naming) { worker in
            let clinic = try await worker.database.clinic(#"{"quota":{"api_calls":1}}"#)
            let host = ["X-Forwarded-Host": "\(clinic).clinics.example", "X-Clinic-Id": "none"]
            #expect(try await worker.gateway(host).status == 204)
            #expect(try await worker.gateway(host).status == 429)
            for (host, status) in [
                ("nobody.clinics.example", 404), ("clinics.example", 400),
                ("\(clinic).other.example", 400),
            ] {
                let reply = try await worker.gateway(["X-Forwarded-Host": host])
                #expect(reply.status == status)
            }
            #expect(try await worker.gateway(["X-Clinic-Id": "\(clinic)"]).status == 400)
            try await worker.database.ask(
                "UPDATE clinics SET subdomain = 'nobody' WHERE clinic_id = $1::text::uuid",
                [.text("\(clinic)")])
            try await waitUntil("the new name is known") {
                try await worker.gateway(["X-Forwarded-Host": "nobody.clinics.example"]).status
                    == 429
            }
        }
    }

    @Test func `takes the clinic of the request's own key`() async throws {
        try await RunningWorker.lend(["METERING_GATEWAY_CLINIC": "key"]) { worker in
            let clinic = try await worker.database.clinic(#"{"quota":{"api_calls":2}}"#)
            let own = try await worker.newKey([.check], clinics: [clinic])
            let reader = try await worker.newKey([.usage], clinics: [clinic])
            let rows: [(proxy: String?, key: String?, status: Int)] = [
                (worker.key, own, 204), (nil, own, 204), (nil, own, 429), (worker.key, own, 429),
                (worker.key, nil, 401), (worker.key, "mk_x", 401), ("mk_x", own, 401),
                (worker.key, reader, 403),
                (worker.key, worker.key, 403), (reader, own, 403),
            ]
            for row in rows {
                var fields: [String: String] = [:]
                fields["X-Metering-Key"] = row.proxy
                let reply = try await worker.gateway(fields, key: row.key)
                #expect(reply.status == row.status, "\(reply.body)")
            }
        }
    }

    @Test func `believes the proxy's own key before the request's`() async throws {
        try await RunningWorker.lend { worker in
            let clinic = try await worker.database.clinic(nil)
            let other = try await worker.newKey([.check], clinics: [ClinicID(high: 1, low: 1)])
            let fields = ["X-Clinic-Id": "\(clinic)", "X-Metering-Key": worker.key]
            #expect(
                try await worker.gateway(fields, key: "whatever the application takes").status
                    == 204)
            let lesser = ["X-Clinic-Id": "\(clinic)", "X-Metering-Key": other]
            #expect(try await worker.gateway(lesser, key: worker.key).status == 404)
        }
    }

    @Test func `answers Envoy, which appends the path and asks with the request's method`()
        async throws
    {
        let settings = rules.merging(["METERING_GATEWAY_CLINIC": "subdomain:clinics.example"]) {
            $1
        }
        try await RunningWorker.lend(settings) { worker in
            let clinic = try await worker.database.clinic(plan)
            let halted = try await worker.database.clinic(plan, status: "suspended")
            let rows: [(clinic: ClinicID, line: String, status: Int)] = [
                // 200 and no other status is a yes to Envoy.
                (clinic, "PUT /v1/gateway/check/export?deny=403", 200),
                (clinic, "GET /v1/gateway/check/export", 429),
                (clinic, "GET /v1/gateway/check/\(String(repeating: "a", count: 2_000))", 200),
                (clinic, "GET /v1/gateway/check/free", 200),
                (halted, "GET /v1/gateway/check/", 200),
                (halted, "DELETE /v1/gateway/check/x", 402),
            ]
            for row in rows {
                let reply = try await HTTPWire.talk(to: worker.port) { wire in
                    try await wire.send(
                        "\(row.line) HTTP/1.1\r\nHost: \(row.clinic).clinics.example\r\n"
                            + "X-Forwarded-Host: \(halted).clinics.example\r\n"
                            + "X-Metering-Key: \(worker.key)\r\nContent-Length: 0\r\n\r\n")
                    return try await wire.reply()
                }
                #expect(reply.status == row.status, "\(row.line): \(reply.body)")
                #expect(reply.body.isEmpty == (row.status == 200))
            }
        }
    }
}

extension RunningWorker {
    fileprivate func gateway(
        _ fields: [String: String], query: String = ""
    ) async throws -> HTTPWire.Reply {
        try await gateway(fields, query: query, key: key)
    }

    /// - Parameter key: In `Authorization`.
    fileprivate func gateway(
        _ fields: [String: String], query: String = "", key: String?
    ) async throws -> HTTPWire.Reply {
        var lines = fields.map { "\($0.key): \($0.value)\r\n" }.joined()
        if let key { lines += "Authorization: Bearer \(key)\r\n" }
        return try await HTTPWire.talk(to: port) { wire in
            try await wire.send(
                "GET /v1/gateway/check\(query) HTTP/1.1\r\nHost: metering\r\n\(lines)\r\n")
            return try await wire.reply()
        }
    }
}
