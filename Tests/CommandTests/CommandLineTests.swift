import Foundation
import Glibc
import TestSupport
import Testing
import WorkerSupport

/// The real programs, as a shell runs them. No server is needed here.
@Suite(.timed) struct `Command line` {
    @Test(arguments: [
        ["metering-worker", "--help"], ["metering-worker", "serve", "--help"],
        ["metering-worker", "migrate", "--help"], ["metering-worker", "rollup", "--help"],
        ["metering-worker", "demo", "--help"], ["metering-worker", "doctor", "--help"],
        ["metering-worker", "keys", "--help"],
        ["metering-worker", "keys", "create", "--help"],
        ["metering-worker", "keys", "list", "--help"],
        ["metering-worker", "keys", "revoke", "--help"], ["billing", "--help"],
        ["billing", "report", "--help"],
    ])
    func `gives help with an example and exits 0`(call: [String]) async throws {
        let run = try await Program.run(call)
        #expect(run.ending == .exited(0))
        #expect(run.output.contains("Example"))
        #expect(run.output.contains("  \(call[0])") || run.output.contains(" \(call[0]) "))
        #expect(run.errors.isEmpty)
    }

    @Test(arguments: ["metering-worker", "billing"])
    func `says its version`(program: String) async throws {
        let run = try await Program.run([program, "--version"])
        #expect(run.ending == .exited(0))
        #expect(run.output == "0.1.0\n")
    }

    @Test(arguments: [
        ["metering-worker", "serv"], ["metering-worker", "--what"],
        ["metering-worker", "rollup", "--month", "2026-13"],
        ["metering-worker", "rollup", "--format", "xml"],
        ["metering-worker", "rollup", "--at-once", "0"],
        ["metering-worker", "rollup", "--at-once", "9"],
        ["metering-worker", "keys", "create", "--name", "x"],
        ["metering-worker", "keys", "create", "--name", "x", "--scope", "chek"],
        ["metering-worker", "keys", "create", "--name", "x", "--scope", "check,"],
        ["metering-worker", "keys", "create", "--name", "", "--scope", "check"],
        [
            "metering-worker", "keys", "create", "--name", "x", "--scope", "check", "--expires",
            "90",
        ],
        [
            "metering-worker", "keys", "create", "--name", "x", "--scope", "check", "--expires",
            "0d",
        ],
        ["metering-worker", "keys", "revoke", "gateway"], ["billing", "reprot"],
        ["billing", "report", "--month", "november"], ["billing", "report", "--format", "xlsx"],
    ])
    func `exits 2 on wrong usage and says on stderr what is right`(call: [String]) async throws {
        let run = try await Program.run(call)
        #expect(run.ending == .exited(2))
        #expect(run.output.isEmpty)
        #expect(run.errors.contains("Usage: \(call[0])"))
    }

    @Test(arguments: [
        ("METERING_CHEKPOINT_INTERVAL", "1s", "METERING_CHECKPOINT_INTERVAL"),
        ("METERING_CHECKPOINT_INTERVAL", "5", "100ms to 1m"), ("HTTP_PORT", "70000", "0 to 65535"),
    ])
    func `stops at a wrong setting with one line and exit code 1`(
        name: String, value: String, part: String
    ) async throws {
        for command in ["serve", "migrate", "rollup"] {
            let run = try await Program.run(["metering-worker", command], [name: value])
            #expect(run.ending == .exited(1))
            #expect(run.errors.hasPrefix("metering-worker: ") && run.errors.contains(part))
            #expect(run.errors.split(separator: "\n").count == 1)
            #expect(run.output.isEmpty)
        }
    }

    @Test(arguments: [["metering-worker", "migrate"], ["billing", "report"]])
    func `says which setting is missing`(call: [String]) async throws {
        let run = try await Program.run(call)
        #expect(run.ending == .exited(1))
        #expect(
            run.errors.hasPrefix(
                "\(call[0]): DATABASE_URL is not set; set it to postgresql://"))
    }

    @Test func `reads the file of --config`() async throws {
        let place = try TemporaryDirectory("with blanks")
        defer { place.remove() }
        let file = try place.write(#"{"http": {"prot": 1}}"#)
        let run = try await Program.run(["metering-worker", "migrate", "--config", file])
        #expect(run.ending == .exited(1))
        #expect(run.errors.contains("the nearest one is http.port"))
    }

    @Test(arguments: [
        "postgresql://u:kanarienvogel@127.0.0.1:1/d", "postgresql://u:kanarienvogel@h:port/d",
        "postgresql://u:kanarienvogel@[::1/d", "host=127.0.0.1 port=1 password=kanarienvogel",
        "password=kanarienvogel' host", "mysql://u:kanarienvogel@h/d", "kanarienvogel",
    ])
    func `never prints a password`(url: String) async throws {
        let secrets = ["DATABASE_URL": url, "DATABASE_OWNER_URL": url, "REDIS_URL": url]
        for call in [
            ["metering-worker", "serve"], ["metering-worker", "migrate"],
            ["metering-worker", "rollup"], ["metering-worker", "keys", "list"],
            ["billing", "report"],
        ] {
            let run = try await Program.run(
                call, secrets.merging(["LOG_LEVEL": "trace"]) { first, _ in first })
            #expect(run.ending == .exited(1))
            #expect(!run.output.contains("kanarienvogel"), "\(call)")
            #expect(!run.errors.contains("kanarienvogel"), "\(call)")
            #expect(run.errors.contains("\(call[0]): "))
        }
    }

    @Test func `hands the demo's arguments on to the demo`() async throws {
        let run = try await Program.run(["metering-worker", "demo", "--report-format", "xml"])
        #expect(run.ending == .exited(2))
        #expect(run.output.isEmpty)
        #expect(run.errors.contains("Usage: metering-demo"))
    }

    @Test func `starts the demo with no signal blocked or ignored`() async throws {
        let directory = try TemporaryDirectory("a worker and a demo")
        defer { directory.remove() }
        let worker = "\(directory.path)/metering-worker"
        try FileManager.default.copyItem(
            atPath: try Product.path("metering-worker"), toPath: worker)
        // A program that shows what it was given; a shell would clear it first.
        try FileManager.default.copyItem(
            atPath: "/usr/bin/grep", toPath: "\(directory.path)/metering-demo")
        let run = try await RunningProcess.run(
            worker, ["demo", "-hE", "^Sig(Blk|Ign)", "/proc/self/status"])
        #expect(run.ending == .exited(0))
        let masks = run.output.split(separator: "\n").compactMap {
            $0.split(separator: "\t").last.flatMap { UInt64($0, radix: 16) }
        }
        let brokenPipe = UInt64(1) << UInt64(SIGPIPE - 1)
        try #require(masks.count == 2)
        #expect(masks[0] == 0)
        #expect(masks[1] & brokenPipe == 0)
    }

    @Test func `says what to install when the demo is not beside the worker`() async throws {
        let directory = try TemporaryDirectory("a worker alone")
        defer { directory.remove() }
        let worker = "\(directory.path)/metering-worker"
        try FileManager.default.copyItem(
            atPath: try Product.path("metering-worker"), toPath: worker)
        let run = try await RunningProcess.run(worker, ["demo", "--once"])
        #expect(run.ending == .exited(1))
        #expect(run.errors.hasPrefix("metering-worker: metering-demo is not in /"))
        #expect(run.errors.contains("make install"))
    }
}
