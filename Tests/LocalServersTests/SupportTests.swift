import Foundation
import LocalServers
import TestSupport
import Testing

@Suite(.timed, .timeLimit(.minutes(5))) struct `Support for tests` {
    @Test func `gives the numbers that SplitMix64 is known for`() {
        var generator = SplitMix64(seed: 1_234_567)
        #expect(
            (0..<3).map { _ in generator.next() } == [
                6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
            ])
    }

    @Test func `hands out each free port once, below those of outgoing connections`() {
        let ports = (0..<100).map { _ in FreePort.next() }
        #expect(Set(ports).count == 100)
        #expect(ports.allSatisfy { (20_000...32_000).contains($0) })
    }

    @Test func `knows the last minute of a month`() {
        // 2028-02-29 and 2026-12-31, each to the second.
        for end in [1_835_481_600, 1_798_761_600] {
            #expect(!MonthEnd.isNear(end - 61) && MonthEnd.isNear(end - 60))
            #expect(MonthEnd.isNear(end - 1) && !MonthEnd.isNear(end))
        }
        // The last second of 28 February in that leap year.
        #expect(!MonthEnd.isNear(1_835_395_199))
    }

    @Test func `tells how a program ended and what it printed, byte for byte`() async throws {
        let script = "cat; printf 'one\\n\\ntwo'; echo three >&2; exit 7"
        let result = try await RunningProcess.run("/bin/sh", ["-c", script])
        #expect(result.ending == .exited(7))
        #expect(result.output == "one\n\ntwo")
        #expect(result.errors == "three\n")

        let sleeper = try await RunningProcess.start("/bin/sh", ["-c", "echo up; exec sleep 600"])
        #expect(try await sleeper.line(containing: "up") == "up")
        #expect(sleeper.endingSoFar == nil)
        sleeper.send(SIGTERM)
        #expect(try await sleeper.waitForEnd() == .signalled(SIGTERM))
    }

    @Test func `knows a process whose name looks like the fields after it`() async throws {
        let home = try TemporaryDirectory("names")
        defer { home.remove() }
        let program = "\(home.path)/a) R 1 (b"
        try FileManager.default.createSymbolicLink(
            atPath: program, withDestinationPath: "/bin/sleep")
        let sleeper = try await RunningProcess.start(program, ["600"])
        let plain = try #require(sleeper.process)
        try await waitUntil("the program runs under its name") {
            let status = try String(contentsOfFile: "/proc/\(sleeper.pid)/stat", encoding: .utf8)
            return status.contains("(a) R 1 (b)")
        }
        #expect(ProcessIdentity.living(sleeper.pid) == plain)
        #expect(!ProcessIdentity(pid: plain.pid, startTime: plain.startTime + 1).isAlive)
        sleeper.send(SIGKILL)
        #expect(await plain.hasEnded(within: .seconds(10)))
    }

    @Test func `gives up waiting and says for what`() async {
        let error = await #expect(throws: WaitedInVain.self) {
            try await waitUntil("pigs fly", within: .milliseconds(30)) { false }
        }
        #expect(error?.description.contains("until pigs fly") == true)
    }
}
