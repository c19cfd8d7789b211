import DatabaseSupport
import Foundation
import LocalServers
import NIOCore
import NIOPosix
import TestSupport
import Testing
import WorkerSupport

@testable import MeteringWorker

/// Hard days at the door: who is slow or rude must cost the others nothing. The worker is a process of its own, so
/// that its memory and its work can be read.
@Suite(.timed, .serialized, .timeLimit(.minutes(5))) struct `The HTTP API under siege` {
    private static let health = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"

    @Test func `keeps its memory while 2,000 callers dawdle, and answers the others`() async throws
    {
        try await ProgramSite.lend(clinics: 1) { site in
            let worker = try await site.serve(["METERING_REQUEST_TIMEOUT": "60s"])
            let before = try ProcessFacts(worker.process)
            var crowd = Crowd(port: worker.port)
            // A third says nothing, a third has begun a head, a third a body.
            let head =
                "POST /v1/check HTTP/1.1\r\nHost: x\r\nContent-Length: 4096\r\n"
                + "Authorization: Bearer \(site.key)\r\n"
            for start in ["", head, head + "\r\n{\"clinic_id\":"] {
                try await crowd.join(666, saying: start)
            }
            // Everybody sends a little more from time to time.
            for _ in 1...3 { try await crowd.say(" ") }
            try await HTTPWire.talk(to: worker.port, within: .seconds(300)) { line in
                for _ in 1...100 {
                    let answer = try await line.check(site.clinics[0], key: site.key)
                    #expect(answer.status == 200)
                }
            }
            let after = try ProcessFacts(worker.process)
            #expect(after.residentKiB - before.residentKiB < 100 * 1_024)
            await crowd.leave()
            worker.process.send(SIGTERM)
            #expect(try await worker.process.waitForEnd() == .exited(0))
        }
    }

    @Test func `keeps its memory while heads and bodies have no end`() async throws {
        try await ProgramSite.lend(clinics: 1) { site in
            let worker = try await site.serve()
            let before = try ProcessFacts(worker.process)
            let field = "X-Bomb: \(String(repeating: "a", count: 1_000))\r\n"
            let starts = [
                "GET / HTTP/1.1\r\nHost: x\r\n" + String(repeating: field, count: 1_000),
                "GET / HTTP/1.1\r\nHost: x\r\nX: " + String(repeating: "b", count: 1_000_000),
                "GET /" + String(repeating: "c", count: 1_000_000),
                "POST /v1/check HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n"
                    + String(repeating: "d", count: 1_000_000),
                "POST /v1/check HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                    + String(repeating: "1\r\nx\r\n", count: 100_000),
                String(repeating: "POST /v1/check HTTP/1.1\r\nHost: x\r\n\r\n", count: 20_000),
            ]
            try await HTTPWire.talk(to: worker.port, within: .seconds(300)) { line in
                for start in starts {
                    var crowd = Crowd(port: worker.port)
                    try await crowd.join(20, saying: start)
                    let answer = try await line.check(site.clinics[0], key: site.key)
                    #expect(answer.status == 200)
                    await crowd.leave()
                }
            }
            #expect(
                try ProcessFacts(worker.process).residentKiB - before.residentKiB < 100 * 1_024)
            worker.process.send(SIGTERM)
            #expect(try await worker.process.waitForEnd() == .exited(0))
        }
    }

    /// Callers cannot take the files that the worker needs: Swift's threads end a process that has none left.
    @Test func `keeps files for itself, however many want in`() async throws {
        try await ProgramSite.lend(clinics: 1) { site in
            let (process, port) = try await serve(site, files: 240)
            let said = try await process.line(containing: "fewer connections")
            let number = said.firstMatch(of: /possible=([0-9]+)/)?.1
            let possible = try #require(number.flatMap { Int($0) })
            try await HTTPWire.talk(to: port, within: .seconds(300)) { line in
                #expect(try await line.get("/healthz").status == 200)
                var crowd = Crowd(port: port)
                try await crowd.join(possible + 50, saying: Self.health)
                try await waitUntil("all places are taken") {
                    try ProcessFacts(process).openFiles >= possible
                }

                // A second of this costs less than half a second of a processor.
                let (start, before) = (ContinuousClock.now, try ProcessFacts(process))
                while ContinuousClock.now - start < .seconds(1) {
                    #expect(try ProcessFacts(process).openFiles < 240 - OpenFiles.spare / 2)
                    let answer = try await line.check(site.clinics[0], key: site.key)
                    #expect(answer.status == 200)
                    try await Task.sleep(for: .milliseconds(20))
                }
                let work = try ProcessFacts(process).cpuTicks - before.cpuTicks
                #expect(work < ProcessFacts.ticksPerSecond / 2)

                await crowd.leave()
                try await waitUntil("new callers are let in") {
                    await ServingProgram.isReady(port: port)
                }
            }
            process.send(SIGTERM)
            #expect(try await process.waitForEnd() == .exited(0))
            #expect(!process.errors.contains("cannot be accepted"))
        }
    }

    @Test func `does not start with fewer files than it needs itself`() async throws {
        try await ProgramSite.lend(clinics: 1) { site in
            let process = try await start(site, files: 64)
            #expect(try await process.waitForEnd() == .exited(1))
            let line = try #require(process.errorLines.last)
            #expect(line.contains("METERING_CONNECTIONS_MAX: this process may open 64 files"))
            #expect(line.contains("LimitNOFILE"))
        }
    }

    private func serve(
        _ site: ProgramSite, files: Int
    ) async throws -> (process: RunningProcess, port: Int) {
        let process = try await start(site, files: files)
        let line = try await process.line(containing: "listening on http://127.0.0.1:")
        return (process, try #require(line.split(separator: ":").last.flatMap { Int($0) }))
    }

    private func start(_ site: ProgramSite, files: Int) async throws -> RunningProcess {
        try await RunningProcess.start(
            "/bin/sh",
            ["-c", "ulimit -n \(files) && exec \"$0\" serve", try Product.path("metering-worker")],
            environment: [
                "DATABASE_URL": site.database.url(), "REDIS_URL": site.redis.url,
                "HTTP_PORT": "0", "METERING_LOAD_TIMEOUT": "5s",
            ])
    }
}

/// Connections that are open, send what they are told, and read nothing.
private struct Crowd {
    let port: Int
    private var channels: [any Channel] = []

    init(port: Int) { self.port = port }

    mutating func join(_ count: Int, saying text: String) async throws {
        let bytes = ByteBuffer(string: text)
        for _ in 0..<count {
            let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .channelOption(.autoRead, value: false)
                .connect(host: "127.0.0.1", port: port).get()
            channels.append(channel)
            // The server may close while we still write.
            channel.writeAndFlush(bytes, promise: nil)
        }
    }

    func say(_ text: String) async throws {
        for channel in channels {
            channel.writeAndFlush(ByteBuffer(string: text), promise: nil)
        }
    }

    func leave() async {
        for channel in channels { try? await channel.close().get() }
    }
}

/// What the system says of a process.
private struct ProcessFacts {
    let residentKiB: Int
    /// Time on a processor, in hundredths of a second.
    let cpuTicks: Int
    static let ticksPerSecond = 100
    let openFiles: Int

    init(_ process: RunningProcess) throws {
        let pid = process.pid
        guard let status = try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
        else {
            // A worker that is gone has no facts, but last words.
            let said = process.errorLines.suffix(20).joined(separator: "\n")
            throw TestFailure(
                "the worker ended (\(process.endingSoFar.debugDescription)):\n\(said)")
        }
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") })
        residentKiB = try #require(line.split(separator: " ").dropFirst().first.flatMap { Int($0) })
        let stat = try String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
        // Behind the name in brackets the state is first; times are the 12th and 13th.
        let fields = try #require(stat.split(separator: ")").last).split(separator: " ")
        openFiles = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").count
        cpuTicks = (Int(fields[11]) ?? 0) + (Int(fields[12]) ?? 0)
    }
}
