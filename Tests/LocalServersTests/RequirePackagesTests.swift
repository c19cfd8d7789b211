import Foundation
import TestSupport
import Testing

/// `scripts/require-packages`, on a PATH that holds next to nothing, as a user who is not root.
@Suite(.timed) struct `What a newcomer must install` {
    @Test func `is printed as one line to type, and never installed by an ordinary user`()
        async throws
    {
        let home = try TemporaryDirectory("few programs")
        defer { home.remove() }
        // A Swift that says its version, an `id` that is nobody, and an `apt-get` that leaves a trace.
        try script("swift", "echo 'Swift version 6.3.1'", in: home)
        try script("id", "echo 65534", in: home)
        try script("apt-get", "touch \"\(home.path)/installed\"", in: home)
        for name in ["sed", "head"] { try link(name, in: home) }

        let run = try await requirePackages(path: home.path)
        #expect(run.ending == .exited(1))
        #expect(run.output.hasPrefix("apt-get install -y --no-install-recommends "))
        #expect(run.output.split(separator: "\n").count == 1)
        for package in ["redis-server", "redis-tools", "pkg-config", "curl"] {
            #expect(run.output.contains(" \(package)"), "\(package)")
        }
        #expect(!FileManager.default.fileExists(atPath: "\(home.path)/installed"))
    }

    @Test(arguments: ["5.10", "6.1.2"])
    func `is first of all a Swift that is new enough`(version: String) async throws {
        let home = try TemporaryDirectory("old Swift")
        defer { home.remove() }
        try script("swift", "echo 'Swift version \(version) (swift-RELEASE)'", in: home)
        for name in ["sed", "head"] { try link(name, in: home) }
        let run = try await requirePackages(path: home.path)
        #expect(run.ending == .exited(1))
        #expect(run.output.isEmpty)
        #expect(run.errors.hasPrefix("Swift 6.2 or later is needed; this is "))
    }

    @Test func `for the demo is PostgreSQL and Redis, and no proxy`() async throws {
        let home = try TemporaryDirectory("demo's programs")
        defer { home.remove() }
        try script("swift", "echo 'Swift version 6.3.1'", in: home)
        try script("id", "echo 65534", in: home)
        for name in ["sed", "head"] { try link(name, in: home) }
        let run = try await requirePackages(path: home.path, "demo")
        #expect(run.ending == .exited(1))
        #expect(run.output.contains(" redis-server redis-tools "))
        for package in ["nginx", "caddy", "pgbouncer", "python3", "openssl", "curl"] {
            #expect(!run.output.contains(package), "\(package)")
        }
        #expect(try await requirePackages(path: home.path, "dome").ending == .exited(2))
    }

    private func requirePackages(
        path: String, _ arguments: String...
    ) async throws -> (ending: RunningProcess.Ending, output: String, errors: String) {
        try await RunningProcess.run(
            "/usr/bin/env",
            ["PATH=\(path)", "/bin/sh", "\(ProjectRoot.path)/scripts/require-packages"]
                + arguments)
    }

    private func script(_ name: String, _ body: String, in home: TemporaryDirectory) throws {
        let path = "\(home.path)/\(name)"
        try "#!/bin/sh\n\(body)\n".write(toFile: path, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
    }

    private func link(_ name: String, in home: TemporaryDirectory) throws {
        try FileManager.default.createSymbolicLink(
            atPath: "\(home.path)/\(name)", withDestinationPath: "/usr/bin/\(name)")
    }
}
