import DatabaseSupport
import Foundation
import LocalServers
import TestSupport
import Testing
import WorkerSupport

@testable import MeteringWorker

/// HTTPS with a certificate that `openssl` made, asked by `curl`.
@Suite(.timed, .serialized) struct `HTTPS` {
    @Test func `answers clients that trust its certificate, and none in the clear`() async throws {
        let place = try TemporaryDirectory("https")
        defer { place.remove() }
        let files = try await Certificates(in: place)
        try await RunningWorker.lend(files.settings) { worker in
            let clinic = try await worker.database.clinic(nil)
            let check = [
                "-H", "Authorization: Bearer \(worker.key)", "-d", #"{"clinic_id":"\#(clinic)"}"#,
                "https://127.0.0.1:\(worker.port)/v1/check",
            ]
            for version in ["1.2", "1.3"] {
                let seen = try await curl(
                    ["--cacert", files.authority, "--tlsv\(version)", "--tls-max", version] + check)
                #expect(seen.ending == .exited(0))
                #expect(seen.output.contains("\"allowed\":true"))
            }
            // 60: the certificate is not trusted. 35: no version in common.
            let other = try await curl(["--cacert", files.otherAuthority] + check)
            #expect(other.ending == .exited(60) && other.output.isEmpty)
            let old = try await curl(["--cacert", files.authority, "--tls-max", "1.1"] + check)
            #expect(old.ending == .exited(35) && old.output.isEmpty)
            let plain = try await HTTPWire.talk(to: worker.port) { wire in
                try await wire.send(HTTPWire.request("GET", "/healthz", key: nil))
                return try await wire.rest()
            }
            #expect(!plain.contains("alive"))
            let last = try await curl(["--cacert", files.authority] + check)
            #expect(last.output.contains("\"used\":3"))
        }
    }

    @Test func `waits for a handshake no longer than for a request`() async throws {
        let place = try TemporaryDirectory("https")
        defer { place.remove() }
        let files = try await Certificates(in: place)
        let settings = files.settings.merging(["METERING_REQUEST_TIMEOUT": "200ms"]) { $1 }
        try await RunningWorker.lend(settings) { worker in
            for start in [[], [0x16], [0x16, 0x03, 0x01, 0x02, 0x00, 0x01]] as [[UInt8]] {
                let rest = try await HTTPWire.talk(to: worker.port) { wire in
                    try await wire.send(start)
                    return try await wire.rest()
                }
                #expect(rest.isEmpty)
            }
        }
    }

    @Test func `needs both files, and those that belong together`() async throws {
        let place = try TemporaryDirectory("https")
        defer { place.remove() }
        let files = try await Certificates(in: place)
        let rows: [([String: String], [String])] = [
            (["HTTP_TLS_CERT": files.certificate], ["HTTP_TLS_KEY is not"]),
            (["HTTP_TLS_KEY": files.key], ["HTTP_TLS_CERT is not"]),
            (
                ["HTTP_TLS_CERT": files.certificate, "HTTP_TLS_KEY": files.otherKey],
                ["HTTP_TLS_KEY: ", "belong together"]
            ),
            (
                ["HTTP_TLS_CERT": files.key, "HTTP_TLS_KEY": files.key],
                ["HTTP_TLS_CERT: ", "PEM"]
            ),
            (
                ["HTTP_TLS_CERT": "/nowhere.pem", "HTTP_TLS_KEY": files.key],
                ["HTTP_TLS_CERT: ", "/nowhere.pem", "may read"]
            ),
            (["HTTP_HOST": "0.0.0.0"], ["HTTP_HOST \"0.0.0.0\"", "HTTP_ALLOW_PLAINTEXT=1"]),
            (["HTTP_HOST": "::"], ["HTTP_HOST \"::\"", "HTTP_TLS_CERT and HTTP_TLS_KEY"]),
            (["HTTP_HOST": "worker.example"], ["HTTP_HOST \"worker.example\""]),
        ]
        for (environment, parts) in rows {
            let http = try WorkerSettings(environment: environment, file: nil).http
            let error = try #require(throws: StartError.self) { _ = try http.security() }
            for part in parts { #expect(error.description.contains(part), "\(error)") }
            #expect(!error.description.contains("\n"))
        }
        for host in ["127.0.0.1", "127.9.9.9", "::1", "localhost"] {
            let http = try WorkerSettings(environment: ["HTTP_HOST": host], file: nil).http
            #expect(try http.security() == nil)
        }
        let open = ["HTTP_HOST": "0.0.0.0", "HTTP_ALLOW_PLAINTEXT": "1"]
        #expect(try WorkerSettings(environment: open, file: nil).http.security() == nil)
    }

    @Test func `that is missing beyond loopback ends the start with one line`() async throws {
        let run = try await RunningProcess.run(
            try Product.path("metering-worker"), ["serve"],
            environment: [
                "HTTP_HOST": "0.0.0.0", "DATABASE_URL": "postgresql://x@127.0.0.1:1/x",
                "REDIS_URL": "redis://127.0.0.1:1",
            ])
        #expect(run.ending == .exited(1))
        let lines = run.errors.split(separator: "\n")
        #expect(lines.count == 1 && lines[0].contains("HTTP_ALLOW_PLAINTEXT=1"), "\(run.errors)")
    }

    private func curl(_ arguments: [String]) async throws
        -> (ending: RunningProcess.Ending, output: String, errors: String)
    {
        try await RunningProcess.run("/usr/bin/curl", ["-sS", "--max-time", "20"] + arguments)
    }
}

/// An authority, a certificate for 127.0.0.1 that it signed, and the files of another one.
private struct Certificates {
    let authority, certificate, key, otherAuthority, otherKey: String

    var settings: [String: String] { ["HTTP_TLS_CERT": certificate, "HTTP_TLS_KEY": key] }

    init(in place: TemporaryDirectory) async throws {
        func make(_ name: String) async throws {
            let script = """
                set -e
                curve="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
                openssl req -x509 $curve -days 2 -subj /CN=\(name)-ca -keyout \(name)-ca.key -out \(name)-ca.pem
                openssl req $curve -subj /CN=\(name) -keyout \(name).key -out \(name).csr
                printf subjectAltName=IP:127.0.0.1 > \(name).ext
                openssl x509 -req -in \(name).csr -CA \(name)-ca.pem -CAkey \(name)-ca.key \
                -CAcreateserial -days 2 -extfile \(name).ext -out \(name).pem
                """
            let made = try await RunningProcess.run(
                "/bin/sh", ["-c", script], workingDirectory: place.path)
            guard made.ending == .exited(0) else {
                throw TestFailure("openssl made no certificate for \(name): \(made.errors)")
            }
        }
        try await make("own")
        try await make("other")
        authority = place.path + "/own-ca.pem"
        certificate = place.path + "/own.pem"
        key = place.path + "/own.key"
        otherAuthority = place.path + "/other-ca.pem"
        otherKey = place.path + "/other.key"
    }
}
