import DatabaseSupport
import Foundation
import LocalServers
import Metering
import TestSupport
import Testing
import WorkerSupport

@testable import MeteringWorker

/// The configurations of Examples/gateway, run by the proxies that they are for.
@Suite(.timed, .serialized) struct `Proxies that ask` {
    private let settings = [
        "METERING_GATEWAY_CLINIC": "subdomain:clinics.example",
        "METERING_GATEWAY_RULES": "/free=none,/=default", "METERING_CHECK_TIMEOUT": "5s",
        "METERING_ON_OUTAGE": "deny",
    ]

    /// As the file stands, and with the change that its last comment offers.
    @Test(arguments: [false, true]) func `nginx`(isOpen: Bool) async throws {
        try await RunningWorker.lend(settings) { worker in
            let files = try TemporaryDirectory("nginx")
            defer { files.remove() }
            let port = FreePort.next()
            var gateway = try Self.example("nginx.conf")
            if isOpen {
                let refusal = """
                            add_header Retry-After 1 always;
                            return 503 "no decision can be made now\\n";
                    """
                #expect(gateway.contains(refusal))
                gateway.replace(refusal, with: "        proxy_pass http://application;")
            }
            gateway =
                gateway
                .replacing("127.0.0.1:8080", with: "127.0.0.1:\(worker.port)")
                // Beside hundreds of other tests an answer takes longer than it may for users.
                .replacing("connect_timeout 250ms", with: "connect_timeout 30s")
                .replacing("read_timeout 1s", with: "read_timeout 30s")
                .replacing("127.0.0.1:3000", with: "\"unix:\(files.path)/application.sock\"")
                .replacing("127.0.0.1:8000", with: "127.0.0.1:\(port)")
                .replacing("/etc/nginx/metering-key.conf", with: "\"\(files.path)/key.conf\"")
            let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
                .map { "\($0)_temp_path \"\(files.path)/\($0)\";" }.joined(separator: "\n")
            try files.write("key.conf", "proxy_set_header X-Metering-Key \"\(worker.key)\";\n")
            try files.write("gateway.conf", gateway)
            try files.write(
                "nginx.conf",
                """
                daemon off;
                master_process off;
                pid "\(files.path)/pid";
                error_log stderr;
                events {}
                http {
                    access_log off;
                    \(temporary)
                    server {
                        listen "unix:\(files.path)/application.sock";
                        location = /forbidden { return 403 "the application says no\\n"; }
                        location / { return 200 "application $http_x_metering_key\\n"; }
                    }
                    include "\(files.path)/gateway.conf";
                }
                """)
            let nginx = try await RunningProcess.start(
                "/usr/sbin/nginx", ["-e", "stderr", "-c", "\(files.path)/nginx.conf"])
            let proxy = Proxy(port: port, key: worker.key, process: nginx)
            try await proxy.isTransparent(worker)
            // Its refusals come from nginx's own configuration.
            let clinic = try await worker.database.clinic(nil)
            let ended = try await worker.database.clinic("{}", status: "canceled")
            // nginx passes none of these on, so that the worker says what it says to every request.
            for fields in Proxy.strange + ["X-A: \u{1}\r\n", "Authorization: Bearer \u{1}\r\n"] {
                let reply = try await proxy.get(ended, "/", fields: fields)
                #expect(reply.status == 402, "\(fields.prefix(60)): \(reply.body)")
            }
            try await proxy.refusesLongNames(ended)
            #expect(try await proxy.get(clinic, "/forbidden").body == "the application says no\n")
            if !isOpen { try await proxy.isClosedWithoutRedis(worker, clinic) }
        }
    }

    @Test func `Caddy`() async throws {
        try await RunningWorker.lend(settings) { worker in
            let files = try TemporaryDirectory("caddy")
            defer { files.remove() }
            let (port, application) = (FreePort.next(), FreePort.next())
            let caddyfile =
                try Self.example("Caddyfile")
                    + """
                    http://:\(application) {
                        respond "application {header.X-Metering-Key}\n"
                    }
                    """
            try files.write("Caddyfile", caddyfile)
            let caddy = try await RunningProcess.start(
                "caddy", ["run", "--adapter", "caddyfile", "--config", "\(files.path)/Caddyfile"],
                environment: [
                    "METERING_KEY": worker.key, "METERING_ADDRESS": "127.0.0.1:\(worker.port)",
                    // Without a host, so that every name is taken.
                    "GATEWAY_ADDRESS": ":\(port)",
                    "APPLICATION_ADDRESS": "127.0.0.1:\(application)",
                    "HOME": files.path, "XDG_CONFIG_HOME": files.path, "XDG_DATA_HOME": files.path,
                ])
            let proxy = Proxy(port: port, key: worker.key, process: caddy)
            try await proxy.isTransparent(worker)
            let clinic = try await worker.database.clinic(nil)
            try await proxy.isClosedWithoutRedis(worker, clinic)
        }
    }

    @Test func `examples for Traefik and Envoy are YAML`() async throws {
        let python = try await PythonTools.directory() + "/python"
        for name in ["traefik.yml", "envoy.yaml"] {
            let run = try await RunningProcess.run(
                python,
                [
                    "-c", "import sys, yaml; assert yaml.safe_load(open(sys.argv[1]))",
                    Self.path(name),
                ])
            #expect(run.ending == .exited(0), "\(run.errors)")
            #expect(try Self.example(name).contains("127.0.0.1:8080"))
        }
    }

    private static func path(_ name: String) -> String {
        "\(ProjectRoot.path)/Examples/gateway/\(name)"
    }

    private static func example(_ name: String) throws -> String {
        try String(contentsOfFile: path(name), encoding: .utf8)
    }
}

/// A proxy with the application behind it.
private struct Proxy {
    let port: Int
    let key: String
    let process: RunningProcess

    func get(
        _ clinic: ClinicID, _ path: String, method: String = "GET", fields: String = ""
    ) async throws -> HTTPWire.Reply {
        try await HTTPWire.talk(to: port) { wire in
            try await wire.send(
                "\(method) \(path) HTTP/1.1\r\nHost: \(clinic).clinics.example\r\n\(fields)"
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

    /// What is allowed reaches the application, what is not is told with its own status.
    func isTransparent(_ worker: RunningWorker) async throws {
        let plan = #"{"limits":{"default":{"rate":1,"per":"1d","burst":2}}}"#
        let clinic = try await worker.database.clinic(plan)
        let other = try await worker.database.clinic(nil)
        let ended = try await worker.database.clinic(plan, status: "canceled")
        let halted = try await worker.database.clinic(plan, status: "suspended")
        try await waitUntil("the proxy answers") {
            if let ending = process.endingSoFar {
                Issue.record("the proxy ended (\(ending)): \(process.errors)")
                return true
            }
            return (try? await get(clinic, "/free"))?.status == 200
        }
        // A client names another clinic, another path and method in fields of its own, and a key.
        let lies =
            "X-Forwarded-Host: \(other).clinics.example\r\nX-Forwarded-Uri: /free\r\n"
            + "X-Forwarded-Method: GET\r\nX-Metering-Key: mk_x\r\nAuthorization: Bearer of the application\r\n"
        for status in [200, 200, 429] {
            let reply = try await get(clinic, "/page?deny=200", fields: lies)
            #expect(reply.status == status, "\(reply.body)")
            #expect(!reply.body.contains(key), "the key stays between proxy and worker")
            if status == 429 {
                #expect(Int(reply.field("retry-after") ?? "") ?? 0 > 0)
                #expect(reply.field("ratelimit")?.contains("r=0") == true)
            } else {
                #expect(reply.body.hasPrefix("application"))
            }
        }
        #expect(try await get(clinic, "/free/page").status == 200)
        #expect(try await get(ended, "/").status == 402)
        for fields in Self.strange {
            let reply = try await get(ended, "/", fields: fields)
            #expect((400..<500).contains(reply.status), "\(fields.prefix(60)): \(reply.body)")
        }
        #expect(try await get(halted, "/").status == 200)
        #expect(try await get(halted, "/", method: "POST", fields: lies).status == 402)
        #expect(try await get(ClinicID(high: 1, low: 1), "/").status == 404)
        #expect(try Answer(try await worker.usage(clinic)).usage.used == 2)
        #expect(try Answer(try await worker.usage(other)).usage.used == 0)
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
        await worker.redis.stop()
        let reply = try await get(clinic, "/")
        #expect(reply.status == 503)
        #expect(reply.field("retry-after") != nil)
        try await worker.redis.start()
    }
}

extension TemporaryDirectory {
    fileprivate func write(_ name: String, _ text: String) throws {
        try text.write(toFile: "\(path)/\(name)", atomically: true, encoding: .utf8)
    }
}
