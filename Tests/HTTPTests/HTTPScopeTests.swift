import DatabaseSupport
import Foundation
import HTTPServer
import Ledger
import LocalServers
import Metering
import Postgres
import TestSupport
import Testing
import WorkerSupport

@testable import MeteringWorker

/// Every route of the table with every kind of key: a new route or scope is in here by itself.
@Suite(.timed, .serialized) struct `Scopes and routes` {
    /// Whether a key of one scope is taken by a route that needs another.
    private func isTaken(_ scope: KeyOwner.Scope, by route: Route) -> Bool {
        scope.rawValue == route.scope || scope == .admin
    }

    @Test func `a key opens the routes of its scope and no other`() async throws {
        try await RunningWorker.lend { worker in
            let clinic = try await worker.database.clinic(#"{"quota":{"api_calls":1000}}"#)
            var keys: [KeyOwner.Scope: String] = [:]
            for scope in KeyOwner.Scope.allCases {
                keys[scope] = try await worker.newKey([
                    try #require(.init(rawValue: scope.rawValue))
                ])
            }
            var rows = 0
            for route in worker.worker.router.table.rows {
                let asked = try Self.question(route, clinic)
                guard let needed = route.scope else {
                    #expect(try await worker.ask(asked, key: nil).status == 200, "\(route.path)")
                    continue
                }
                #expect(try await worker.ask(asked, key: nil).status == 401, "\(route.path)")
                #expect(try await worker.ask(asked, key: "mk_x").status == 401, "\(route.path)")
                for (scope, key) in keys {
                    let reply = try await worker.ask(asked, key: key)
                    rows += 1
                    guard isTaken(scope, by: route) else {
                        #expect(reply.status == 403, "\(route.path) with \(scope)")
                        #expect(try ProblemBody(reply).detail.contains(needed))
                        continue
                    }
                    #expect(
                        Self.isReached(reply, route), "\(route.path) with \(scope): \(reply.body)")
                }
            }
            #expect(rows >= 6 * KeyOwner.Scope.allCases.count)
        }
    }

    @Test func `a key of one clinic sees no other on any route`() async throws {
        try await RunningWorker.lend { worker in
            let own = try await worker.database.clinic(nil)
            let other = try await worker.database.clinic(nil)
            let key = try await worker.newKey([.admin], clinics: [own])
            for route in worker.worker.router.table.rows where route.scope != nil {
                let mine = try await worker.ask(try Self.question(route, own), key: key)
                #expect(Self.isReached(mine, route), "\(route.path): \(mine.body)")
                let theirs = try await worker.ask(try Self.question(route, other), key: key)
                if Self.answersEachEntry.contains("\(route.path)") {
                    #expect(theirs.body.contains("unknown-clinic"), "\(route.path): \(theirs.body)")
                } else {
                    #expect(theirs.status == 404, "\(route.path): \(theirs.body)")
                    #expect(try ProblemBody(theirs).code == "unknown-clinic")
                }
            }
        }
    }

    /// Routes of many clinics at once say of each entry what is wrong with it.
    private static let answersEachEntry: Set = ["/v1/checks", "/v1/marks"]

    /// Whether the route was reached: it did its work, or missed the reservation that nobody made.
    private static func isReached(_ reply: HTTPWire.Reply, _ route: Route) -> Bool {
        guard "\(route.path)".hasPrefix("/v1/reservations/") else {
            return (200..<300).contains(reply.status)
        }
        return reply.status == 404 && reply.body.contains("unknown-reservation")
    }

    struct Asked {
        let method, path, body: String
        let clinic: ClinicID
    }

    /// A request that the route answers 2xx for a clinic without limits.
    private static func question(_ route: Route, _ clinic: ClinicID) throws -> Asked {
        let bodies = [
            "/v1/check": #"{"clinic_id":"\#(clinic)"}"#,
            "/v1/checks": #"{"checks":[{"clinic_id":"\#(clinic)"}]}"#,
            "/v1/reservations": #"{"clinic_id":"\#(clinic)","ttl_ms":1000}"#,
            "/v1/reservations/{id}/commit": #"{"clinic_id":"\#(clinic)"}"#,
            "/v1/reservations/{id}/release": #"{"clinic_id":"\#(clinic)"}"#,
            "/v1/refunds": #"{"clinic_id":"\#(clinic)","cost":1,"refund_id":"one"}"#,
            "/v1/marks": try mark(of: clinic),
        ]
        let isReservation = "\(route.path)".hasPrefix("/v1/reservations/")
        let id = isReservation ? String(repeating: "0", count: 32) : "\(clinic)"
        let path = "\(route.path)".replacing("{id}", with: id)
            .replacing("{path*}", with: "some/page?cost=7")
        let body = bodies["\(route.path)"]
        try #require(
            (body != nil) == (route.bodyBytesMax > 0), "the test needs a body for \(route.path)")
        return Asked(
            method: route.method == Route.anyMethod ? "PUT" : route.method, path: path,
            body: body ?? "", clinic: clinic)
    }

    private static func mark(of clinic: ClinicID) throws -> String {
        let now = WallClock.now()
        let month = try #require(Month(containing: now))
        return
            #"{"marks":[{"clinic_id":"\#(clinic)","period":\#(month.start),"epoch":"00000000000000aa","#
            + #""used":3,"credited":1,"config_version":1,"seen_at":\#(now)}]}"#
    }
}

extension RunningWorker {
    /// Names the clinic in the field that the gateway reads, too.
    fileprivate func ask(
        _ asked: `Scopes and routes`.Asked, key: String?
    ) async throws -> HTTPWire.Reply {
        try await HTTPWire.talk(to: port) { wire in
            let authorization = key.map { "Authorization: Bearer \($0)\r\n" } ?? ""
            try await wire.send(
                "\(asked.method) \(asked.path) HTTP/1.1\r\nHost: test\r\nX-Clinic-Id: \(asked.clinic)\r\n"
                    + authorization
                    + "Content-Length: \(asked.body.utf8.count)\r\n\r\n\(asked.body)")
            return try await wire.reply()
        }
    }
}
