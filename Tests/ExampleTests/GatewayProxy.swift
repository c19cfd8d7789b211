import DatabaseSupport
import Foundation
import LocalServers
import Metering
import TestSupport
import Testing
import WorkerSupport

/// A proxy that runs an example, with the application behind it.
struct GatewayProxy {
    let port: Int
    /// The proxy's key, which stays between it and the worker.
    let key: String
    let process: RunningProcess
    let application: GatewayApplication

    /// - Parameter port: In `Host`, as clients send one that is not the scheme's own.
    func get(
        _ clinic: ClinicID, _ path: String, method: String = "GET", fields: String = "",
        portInHost: Int? = nil
    ) async throws -> HTTPWire.Reply {
        let host = "\(clinic).clinics.example" + (portInHost.map { ":\($0)" } ?? "")
        return try await HTTPWire.talk(to: port) { wire in
            try await wire.send(
                "\(method) \(path) HTTP/1.1\r\nHost: \(host)\r\n\(fields)"
                    + "Content-Length: 0\r\n\r\n")
            return try await wire.reply()
        }
    }

    /// Fields that the worker would refuse before it reads what is asked.
    static let strange = [
        (0..<65).map { "X-Field-\($0): 1\r\n" }.joined(),
        (0..<5).map { "X-Long-\($0): \(String(repeating: "a", count: 3_500))\r\n" }.joined(),
        "Authorization: \(String(repeating: "a", count: 7_000))\r\n"
            + "X-Long: \(String(repeating: "a", count: 7_000))\r\n"
            + "X-Longer: \(String(repeating: "a", count: 7_000))\r\n",
    ]

    func isReady(_ clinic: ClinicID) async throws {
        try await waitUntil("the proxy answers") {
            if let ending = process.endingSoFar {
                throw TestFailure("the proxy ended (\(ending)): \(process.errors)")
            }
            return (try? await get(clinic, "/free"))?.status == 200
        }
    }

    /// What is allowed reaches the application; what is not is answered with its own status, and
    /// the application is not asked.
    func isTransparent(_ worker: RunningWorker) async throws {
        let plan = #"{"limits":{"default":{"rate":1,"per":"1d","burst":2}}}"#
        let clinic = try await worker.database.clinic(plan)
        let other = try await worker.database.clinic(nil)
        let ended = try await worker.database.clinic(plan, status: "canceled")
        let halted = try await worker.database.clinic(plan, status: "suspended")
        try await isReady(clinic)
        // A client names another clinic, another path and method in fields of its own, and a key.
        let lies =
            "X-Forwarded-Host: \(other).clinics.example\r\nX-Forwarded-Uri: /free\r\n"
            + "X-Forwarded-Method: GET\r\nX-Metering-Key: mk_x\r\nAuthorization: Bearer of the application\r\n"
        let before = try await application.asked()
        for (round, status) in [200, 200, 429].enumerated() {
            let reply = try await get(
                clinic, "/page?deny=200", fields: lies, portInHost: round == 1 ? port : nil)
            #expect(reply.status == status, "\(reply.body)")
            #expect(!reply.body.contains(key), "the key stays between proxy and worker")
            if status == 429 {
                #expect(Int(reply.field("retry-after") ?? "") ?? 0 > 0)
                #expect(reply.field("ratelimit")?.contains("r=0") == true)
            } else {
                #expect(reply.body.hasPrefix("application \(before + round + 1) "))
            }
        }
        #expect(try await get(clinic, "/free/page").status == 200)
        #expect(try await get(halted, "/").status == 200)
        #expect(try await application.asked() == before + 4)

        #expect(try await get(ended, "/").status == 402)
        for fields in Self.strange {
            let reply = try await get(ended, "/", fields: fields)
            #expect((400..<500).contains(reply.status), "\(fields.prefix(60)): \(reply.body)")
        }
        #expect(try await get(halted, "/", method: "POST", fields: lies).status == 402)
        #expect(try await get(ClinicID(high: 1, low: 1), "/").status == 404)
        #expect(try await application.asked() == before + 4)
        #expect(try Answer(try await worker.usage(clinic)).usage.used == 2)
        #expect(try Answer(try await worker.usage(other)).usage.used == 0)
    }

    /// What the application refuses itself is told as it says it.
    func passesRefusalsOfTheApplicationOn(_ clinic: ClinicID) async throws {
        let reply = try await get(clinic, "/forbidden")
        #expect(reply.status == 403 && reply.body == "the application says no\n")
    }

    /// Host and path that are each as long as nginx takes them.
    func refusesLongNames(_ ended: ClinicID) async throws {
        let labels = String(repeating: "a.", count: 3_900)
        let path = "/" + String(repeating: "a", count: 8_000)
        let reply = try await HTTPWire.talk(to: port) { wire in
            try await wire.send(
                "GET \(path) HTTP/1.1\r\nHost: \(labels)\(ended).clinics.example\r\n\r\n")
            return try await wire.reply()
        }
        #expect(reply.status == 403, "\(reply.body)")
    }

    func isClosedWithoutRedis(_ worker: RunningWorker, _ clinic: ClinicID) async throws {
        #expect(try await get(clinic, "/").status == 200)
        let asked = try await application.asked()
        await worker.redis.stop()
        let reply = try await get(clinic, "/")
        #expect(reply.status == 503)
        #expect(reply.field("retry-after") != nil)
        #expect(try await application.asked() == asked)
        try await worker.redis.start()
    }
}
