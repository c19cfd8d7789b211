import Foundation
import LocalServers
import TestSupport
import Testing

/// `metering-worker demo` as a newcomer starts it, in a directory whose name holds a blank.
@Suite(.timed, .serialized, .timeLimit(.minutes(10))) struct `Demo` {
    @Test func `counts a log to the call, adds a second run, and counts it packed the same`()
        async throws
    {
        let expected = try ExpectedLog()
        let place = try await DemoPlace()
        defer { place.remove() }
        let once = ["--once", "--report-format", "csv", "--access-log"]

        let first = try await place.run(["--fresh"] + once + [expected.path])
        #expect(first.errorLines.contains { $0.hasPrefix("run 1, 0 calls so far;") })
        #expect(try UsageTable(csv: first.output).calls(by: "name") == expected.calls)
        #expect(first.errorLines.last == expected.sentence)

        let second = try await place.run(once + [expected.path])
        let told = expected.total.formatted(.number.locale(Locale(identifier: "en_US")))
        #expect(second.errorLines.contains { $0.hasPrefix("run 2, \(told) calls so far;") })
        let doubled = expected.calls.mapValues { 2 * $0 }
        #expect(try UsageTable(csv: second.output).calls(by: "name") == doubled)
        #expect(second.errorLines.last == expected.sentence)

        let packed = try await place.run(["--fresh"] + once + [try await place.packed(expected)])
        #expect(packed.output == first.output)
        #expect(packed.errorLines.last == expected.sentence)
    }

    @Test func `shows one clinic at its rate limit, one at its quota, and how to go on`()
        async throws
    {
        let expected = try ExpectedLog()
        let place = try await DemoPlace()
        defer { place.remove() }
        try place.bringSample(expected)
        let run = try await place.run(["--report-format", "csv"])

        let parts = run.output.components(separatedBy: "\n\n")
        try #require(parts.count == 2)
        let counted = try UsageTable(csv: parts[0]).calls(by: "name")
        let short = expected.calls.filter { counted[$0.key] != $0.value }.map(\.key)
        let busiest = expected.calls.sorted { $0.value > $1.value }.prefix(2).map(\.key)
        #expect(Set(short) == Set(busiest))
        #expect(counted[busiest[0]] == 100)  // The quota of its plan, Trial.
        #expect((20..<(expected.calls[busiest[1]] ?? 0)).contains(counted[busiest[1]] ?? 0))

        let denied = try run.denied
        #expect(Set(denied.keys) == ["quota", "rate_limit"])
        #expect(denied["quota"] == (expected.calls[busiest[0]] ?? 0) - 100)
        let all = denied.values.reduce(0, +)
        #expect(run.errorLines.contains(expected.sentence(denied: all)))

        let lines = parts[1].split(separator: "\n")
        #expect(lines.count == 3)
        #expect(lines[0].hasPrefix("See it again:  DATABASE_URL='postgres"))
        #expect(lines[0].hasSuffix("' billing report"))
        #expect(lines[1].hasPrefix("Send a call:   curl -s -H 'Authorization: Bearer mk_"))
        #expect(lines[1].hasSuffix("/v1/check"))
        #expect(lines[2].hasPrefix("Keep serving:  metering-worker demo"))
    }

    @Test func `shows the first ten malformed lines, escaped`() async throws {
        let place = try await DemoPlace()
        defer { place.remove() }
        let bad = "\u{1B}]0;owned\u{07}\u{9B}31m \0 \u{202E} grüße"
        let log = try place.write(
            String(repeating: "\(bad)\n", count: 12) + "::1 - - [02/Mar/2025:03:04:05 +0000]\n")
        let run = try await place.run(["--once", "--report-format", "csv", "--access-log", log])
        #expect(run.errorLines.last == "lines 13 = calls 1 + malformed 12; allowed 1, denied 0")
        let shown = run.errorLines.filter { $0.contains(" is malformed, ") }
        #expect(shown.count == 10)
        #expect(shown.enumerated().allSatisfy { $1.hasPrefix("line \($0 + 1) is malformed, ") })
        #expect(run.errors.utf8.allSatisfy { $0 == 10 || (32...126).contains($0) })
        #expect(try UsageTable(csv: run.output).calls(by: "name") == ["::1": 1])
    }

    /// A log that nobody writes to holds the demo where its servers run.
    @Test func `leaves no server behind when it is killed, and the next run goes on`() async throws
    {
        let expected = try ExpectedLog()
        let place = try await DemoPlace()
        defer { place.remove() }
        let demo = try await place.start(["--once", "--access-log", try await place.pipe()])
        _ = try await demo.line(containing: "run 1, ")
        let servers = try place.servers()
        #expect(servers.count == 3)  // PostgreSQL, Redis and the worker.
        #expect(servers.filter { !$0.isAlive }.isEmpty)
        demo.send(SIGKILL)
        #expect(try await demo.waitForEnd() == .signalled(SIGKILL))
        for server in servers {
            #expect(await server.hasEnded(within: .seconds(30)), "process \(server.pid)")
        }

        let next = try await place.run(
            ["--once", "--report-format", "csv", "--access-log", expected.path])
        #expect(try UsageTable(csv: next.output).calls(by: "name") == expected.calls)
    }

    /// `script` gives the demo a terminal, so that it serves until Ctrl-C.
    @Test func `ends with the worker's last lines when the worker is killed while it serves`()
        async throws
    {
        let place = try await DemoPlace()
        defer { place.remove() }
        let log = try place.write("::1 - - [02/Mar/2025:03:04:05 +0000]\n")
        let demo = try await place.startOnTerminal(["--access-log", log])
        _ = try await demo.line(containing: "serving at http")
        try await expectEnd(of: demo, at: place)
    }

    @Test func `ends with the worker's last lines when the worker is killed during the traffic`()
        async throws
    {
        let place = try await DemoPlace()
        defer { place.remove() }
        let demo = try await place.start(["--once", "--access-log", try await place.pipe()])
        _ = try await demo.line(containing: "run 1, ")
        try await expectEnd(of: demo, at: place)
    }

    /// Kills the worker. The demo must report its end, stop the servers and exit with code 1.
    private func expectEnd(of demo: RunningProcess, at place: DemoPlace) async throws {
        let servers = try place.servers()
        #expect(servers.count == 3)
        try place.worker().send(SIGKILL)
        #expect(try await demo.waitForEnd() == .exited(1))
        // A terminal ends lines with CR and LF, which are one character.
        let lines = (demo.errors + demo.output).split(whereSeparator: \.isNewline)
        let last = try #require(lines.last)
        #expect(last.hasPrefix("metering-demo: worker ended: signal 9; it said:"), "\(last)")
        #expect(last.contains("listening on http://127.0.0.1:"), "\(last)")
        for server in servers { #expect(!server.isAlive, "process \(server.pid)") }
    }
}
