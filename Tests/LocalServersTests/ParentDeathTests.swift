import Foundation
import SystemPackage
import TestSupport
import Testing

@testable import LocalServers

/// Each test kills a process of its own, which `#expect(processExitsWith:)` starts. That one has a temporary
/// directory of its own, where no other run cleans up before the test has looked.
@Suite(.timed, .timeLimit(.minutes(5))) struct `Servers whose parent is killed` {
    @Test func `have outlived the thread that asked for them, and end with the process`()
        async throws
    {
        let home = try TemporaryDirectory("of a killed run")
        defer { home.remove() }
        let result = await #expect(
            processExitsWith: .signal(SIGKILL), observing: [\.standardOutputContent]
        ) { [path = home.path as String] in
            setenv("TMPDIR", path, 1)
            let servers = try await startFromShortLivedThread()
            await churnThreads()
            #expect(try await servers.redis.client(["PING"]) == "PONG\n")
            #expect(servers.postgres.process?.isAlive == true)
            try Report(servers).printAndDie()
        }
        let report = try #require(Report(result?.standardOutputContent ?? []))
        for process in report.processes {
            #expect(await process.hasEnded(within: .seconds(30)), "process \(process.pid)")
        }

        #expect(report.privateDirectory.hasPrefix(home.path))
        #expect(FileManager.default.fileExists(atPath: report.privateDirectory))
        await PrivateDirectory.sweep(for: try ServerAccount.current(), in: [home.path])
        #expect(!FileManager.default.fileExists(atPath: report.privateDirectory))
    }

    @Test func `are ended by the next run on their data, which are all there`() async throws {
        let home = try TemporaryDirectory("kept by a killed run")
        defer { home.remove() }
        let result = await #expect(
            processExitsWith: .signal(SIGKILL), observing: [\.standardOutputContent]
        ) { [path = home.path as String] in
            setenv("TMPDIR", path, 1)
            let servers = try await LocalServers.start(
                keepingDataIn: path + "/.local",
                redis: RedisOptions(settings: ["appendfsync": "always"]))
            _ = try await servers.redis.client(["SET", "proof", "42"])
            _ = try await servers.postgres.client(
                "psql", ["-Xq"], input: "CREATE TABLE proof AS SELECT 42 AS answer;")
            // A stopped process does not act on the death of its parent: these two stay.
            let report = Report(servers)
            servers.postgres.send(SIGSTOP)
            servers.redis.send(SIGSTOP)
            try report.printAndDie()
        }
        let report = try #require(Report(result?.standardOutputContent ?? []))
        let leftovers = report.processes.filter(\.isAlive)
        #expect(leftovers.count == 2)

        let notes = Notes()
        let servers = try await LocalServers.start(
            keepingDataIn: home.path + "/.local", note: notes.add)
        #expect(leftovers.filter(\.isAlive).isEmpty)
        for process in leftovers {
            #expect(notes.lines.contains { $0.contains("process \(process.pid)") })
        }
        let answer = try await servers.postgres.client("psql", ["-XqAtc", "TABLE proof"])
        #expect(answer == "42\n")
        #expect(try await servers.redis.client(["GET", "proof"]) == "42\n")
        await servers.stop()
    }
}

/// What a process that is about to die says about its servers: a directory, then a line for each process.
private struct Report {
    let privateDirectory: String
    let processes: [ProcessIdentity]

    init(_ servers: LocalServers) {
        privateDirectory = servers.postgres.socketDirectory
        processes = [servers.postgres.process, servers.redis.process].compactMap(\.self)
    }

    init?(_ printed: [UInt8]) {
        let lines = String(decoding: printed, as: UTF8.self).split(separator: "\n")
        guard let start = lines.firstIndex(where: { $0.hasPrefix("servers in ") }),
            lines.count >= start + 3
        else { return nil }
        privateDirectory = String(lines[start].dropFirst("servers in ".count))
        processes = lines[(start + 1)...].compactMap { line in
            let numbers = line.split(separator: " ")
            guard numbers.count == 2, let pid = Int32(numbers[0]), let start = UInt64(numbers[1])
            else { return nil }
            return ProcessIdentity(pid: pid, startTime: start)
        }
    }

    func printAndDie() throws {
        let lines = processes.map { "\($0.pid) \($0.startTime)\n" }
        try FileDescriptor.standardOutput.writeAll(
            Array("servers in \(privateDirectory)\n\(lines.joined())".utf8))
        kill(getpid(), SIGKILL)
    }
}

/// A thread starts the servers and ends as soon as they serve.
private func startFromShortLivedThread() async throws -> LocalServers {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread {
            let done = DispatchSemaphore(value: 0)
            Task {
                do {
                    continuation.resume(returning: try await LocalServers.start())
                } catch {
                    continuation.resume(throwing: error)
                }
                done.signal()
            }
            done.wait()
        }
    }
}

/// Starts and ends many threads, each of which uses the cooperative pool.
private func churnThreads() async {
    for _ in 0..<200 {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume() }
        }
    }
}
