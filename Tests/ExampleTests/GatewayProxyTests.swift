import DatabaseSupport
import Foundation
import LocalServers
import Metering
import TestSupport
import Testing
import WorkerSupport

@testable import MeteringWorker

/// The configurations of Examples/gateway, run by the proxies that they are for, with other
/// addresses and another key alone.
@Suite(.timed, .serialized) struct `Proxies that ask` {
    private let settings = [
        "METERING_GATEWAY_CLINIC": "subdomain:clinics.example",
        "METERING_GATEWAY_RULES": "/free=none,/=default", "METERING_CHECK_TIMEOUT": "5s",
        "METERING_ON_OUTAGE": "deny",
    ]

    /// As the file stands, and with the change that its last comment offers.
    @Test(arguments: [false, true]) func `nginx`(isOpen: Bool) async throws {
        try await lend("nginx") { worker, application, port, files in
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
                .replacing("127.0.0.1:3000", with: "127.0.0.1:\(application.port)")
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
                    include "\(files.path)/gateway.conf";
                }
                """)
            let nginx = try await RunningProcess.start(
                "/usr/sbin/nginx", ["-e", "stderr", "-c", "\(files.path)/nginx.conf"])
            let proxy = GatewayProxy(
                port: port, key: worker.key, process: nginx, application: application)
            try await proxy.isTransparent(worker)
            // Its refusals come from nginx's own configuration.
            let clinic = try await worker.database.clinic(nil)
            let ended = try await worker.database.clinic("{}", status: "canceled")
            // nginx passes none of these on, so that the worker says what it says to every request.
            for fields in GatewayProxy.strange + [
                "X-A: \u{1}\r\n", "Authorization: Bearer \u{1}\r\n",
            ] {
                let reply = try await proxy.get(ended, "/", fields: fields)
                #expect(reply.status == 402, "\(fields.prefix(60)): \(reply.body)")
            }
            try await proxy.refusesLongNames(ended)
            try await proxy.passesRefusalsOfTheApplicationOn(clinic)
            if !isOpen { try await proxy.isClosedWithoutRedis(worker, clinic) }
        }
    }

    @Test func `Caddy`() async throws {
        try await lend("caddy") { worker, application, port, files in
            let caddy = try await RunningProcess.start(
                "caddy", ["run", "--adapter", "caddyfile", "--config", Self.path("Caddyfile")],
                environment: Self.home(files).merging([
                    "METERING_KEY": worker.key, "METERING_ADDRESS": "127.0.0.1:\(worker.port)",
                    "GATEWAY_PORT": "\(port)",
                    "APPLICATION_ADDRESS": "127.0.0.1:\(application.port)",
                ]) { $1 })
            try await expectAll(
                of: GatewayProxy(
                    port: port, key: worker.key, process: caddy, application: application), worker)
        }
    }

    private struct AdaptedCaddyfile: Decodable {
        struct Apps: Decodable { let http: HTTP }
        struct HTTP: Decodable { let servers: [String: Server] }
        struct Server: Decodable {
            let listen: [String]
            let routes: [Route]
        }
        struct Route: Decodable { let match: [[String: [String]]]? }
        let apps: Apps
    }

    @Test func `Caddy listens on this machine alone, and lets no host pass it by`() async throws {
        let files = try TemporaryDirectory("caddy")
        defer { files.remove() }
        let run = try await RunningProcess.run(
            "caddy", ["adapt", "--adapter", "caddyfile", "--config", Self.path("Caddyfile")],
            environment: Self.home(files))
        #expect(run.ending == .exited(0), "\(run.errors)")
        let adapted = try JSONDecoder().decode(AdaptedCaddyfile.self, from: Data(run.output.utf8))
        #expect(adapted.apps.http.servers.count == 1)
        for server in adapted.apps.http.servers.values {
            #expect(server.listen == ["127.0.0.1:8000"])
            // A route with a condition would leave requests that do not meet it unchecked.
            #expect(server.routes.allSatisfy { $0.match == nil })
        }
    }

    @Test func `Envoy`() async throws {
        let tools = try await PythonTools.directory()
        try await lend("envoy") { worker, application, port, files in
            try files.write(
                "envoy.yaml",
                try Self.example("envoy.yaml")
                    .replacing("port_value: 8000", with: "port_value: \(port)")
                    .replacing("port_value: 8080", with: "port_value: \(worker.port)")
                    .replacing("port_value: 3000", with: "port_value: \(application.port)")
                    .replacing("127.0.0.1:8080", with: "127.0.0.1:\(worker.port)")
                    .replacing("mk_replace_me", with: worker.key)
                    // Beside hundreds of other tests an answer takes longer than it may for users.
                    .replacing("timeout: 1s", with: "timeout: 30s")
                    .replacing("connect_timeout: 0.25s", with: "connect_timeout: 30s"))
            let envoy = try await RunningProcess.start(
                "\(tools)/envoy",
                [
                    "-c", "\(files.path)/envoy.yaml", "--disable-hot-restart", "--concurrency", "1",
                    "--log-level", "warning",
                ])
            try await expectAll(
                of: GatewayProxy(
                    port: port, key: worker.key, process: envoy, application: application), worker)
        }
    }

    @Test func `Traefik`() async throws {
        let tools = try await PythonTools.directory()
        try await lend("traefik") { worker, application, port, files in
            try files.write(
                "traefik.yml",
                try Self.example("traefik.yml")
                    .replacing("127.0.0.1:8080", with: "127.0.0.1:\(worker.port)")
                    .replacing("127.0.0.1:3000", with: "127.0.0.1:\(application.port)"))
            let traefik = try await RunningProcess.start(
                "\(tools)/traefik",
                [
                    "--providers.file.filename=\(files.path)/traefik.yml",
                    "--entrypoints.web.address=127.0.0.1:\(port)",
                    "--global.checknewversion=false", "--global.sendanonymoususage=false",
                ], environment: ["METERING_KEY": worker.key])
            try await expectAll(
                of: GatewayProxy(
                    port: port, key: worker.key, process: traefik, application: application),
                worker)
        }
    }

    private func expectAll(of proxy: GatewayProxy, _ worker: RunningWorker) async throws {
        try await proxy.isTransparent(worker)
        let clinic = try await worker.database.clinic(nil)
        try await proxy.passesRefusalsOfTheApplicationOn(clinic)
        try await proxy.isClosedWithoutRedis(worker, clinic)
    }

    /// A worker, an application, a port for the proxy, and a directory for its files.
    private func lend(
        _ name: String,
        _ body: (RunningWorker, GatewayApplication, Int, TemporaryDirectory) async throws -> Void
    ) async throws {
        try await RunningWorker.lend(settings) { worker in
            let files = try TemporaryDirectory(name)
            defer { files.remove() }
            try await body(worker, GatewayApplication.start(), FreePort.next(), files)
        }
    }

    private static func home(_ files: TemporaryDirectory) -> [String: String?] {
        ["HOME": files.path, "XDG_CONFIG_HOME": files.path, "XDG_DATA_HOME": files.path]
    }

    private static func path(_ name: String) -> String {
        "\(ProjectRoot.path)/Examples/gateway/\(name)"
    }

    private static func example(_ name: String) throws -> String {
        try String(contentsOfFile: path(name), encoding: .utf8)
    }
}

extension TemporaryDirectory {
    fileprivate func write(_ name: String, _ text: String) throws {
        try text.write(toFile: "\(path)/\(name)", atomically: true, encoding: .utf8)
    }
}
