import Foundation
import LocalServers
import NIOCore
import NIOPosix
import TestSupport
import Testing

/// Hard days at the door: who is slow or rude must cost the others nothing. The worker is a process of its own, so
/// that its memory and its work can be read.
@Suite(.serialized, .timeLimit(.minutes(5))) struct `An HTTP door under siege` {
    private static let health = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"

    @Test func `keeps its memory while 2,000 callers dawdle, and answers the others`() async throws
    {
        try await WorkerSite.lend(clinics: 1) { site in
            let worker = try await site.serve(["METERING_REQUEST_TIMEOUT": "60s"])
            let before = try ProcessFacts(worker.process.pid)
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
            try await CallLine.open(port: worker.port) { line in
                for _ in 1...100 {
                    let answer = try await line.check(site.clinics[0], key: site.key)
                    #expect(answer.status == 200)
                }
            }
            let after = try ProcessFacts(worker.process.pid)
            #expect(after.residentKiB - before.residentKiB < 100 * 1_024)
            await crowd.leave()
            worker.process.send(SIGTERM)
            #expect(try await worker.process.waitForEnd() == .exited(0))
        }
    }

    @Test func `keeps its memory while heads and bodies have no end`() async throws {
        try await WorkerSite.lend(clinics: 1) { site in
            let worker = try await site.serve()
            let before = try ProcessFacts(worker.process.pid)
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
            try await CallLine.open(port: worker.port) { line in
                for start in starts {
                    var crowd = Crowd(port: worker.port)
                    try await crowd.join(20, saying: start)
                    let answer = try await line.check(site.clinics[0], key: site.key)
                    #expect(answer.status == 200)
                    await crowd.leave()
                }
            }
            #expect(
                try ProcessFacts(worker.process.pid).residentKiB - before.residentKiB < 100 * 1_024)
            worker.process.send(SIGTERM)
            #expect(try await worker.process.waitForEnd() == .exited(0))
        }
    }

    /// Without file descriptors nobody new can be let in. Who is in is served, nothing spins, and it passes.
    @Test func `lives through a lack of file descriptors`() async throws {
        try await WorkerSite.lend(clinics: 1) { site in
            let program = try Product.path("metering-worker")
            let process = try await RunningProcess.start(
                "/bin/sh", ["-c", "ulimit -n 64 && exec \"$0\" serve", program],
                environment: [
                    "DATABASE_URL": site.database.url(), "REDIS_URL": site.redis.url,
                    "HTTP_PORT": "0",
                ])
            let line = try await process.line(containing: "listening on http://127.0.0.1:")
            let port = try #require(line.split(separator: ":").last.flatMap { Int($0) })
            try await CallLine.open(port: port) { line in
                #expect(try await line.get("/healthz").status == 200)
                var crowd = Crowd(port: port)
                try await crowd.join(100, saying: Self.health)
                _ = try await process.line(containing: "connections cannot be accepted")
                let answer = try await line.check(site.clinics[0], key: site.key)
                #expect(answer.status == 200)

                // A second of this lack costs less than half a second of a processor.
                let (start, before) = (ContinuousClock.now, try ProcessFacts(process.pid))
                try await waitUntil("a second has passed") {
                    ContinuousClock.now - start > .seconds(1)
                }
                let work = try ProcessFacts(process.pid).cpuTicks - before.cpuTicks
                #expect(work < ProcessFacts.ticksPerSecond / 2)
                let again = try await line.check(site.clinics[0], key: site.key)
                #expect(again.status == 200)

                await crowd.leave()
                try await waitUntil("new callers are let in") {
                    await ServingWorker.isReady(port: port)
                }
            }
            process.send(SIGTERM)
            #expect(try await process.waitForEnd() == .exited(0))
        }
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

    init(_ pid: Int32) throws {
        let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") })
        residentKiB = try #require(line.split(separator: " ").dropFirst().first.flatMap { Int($0) })
        let stat = try String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
        // Behind the name in brackets the state is first; times are the 12th and 13th.
        let fields = try #require(stat.split(separator: ")").last).split(separator: " ")
        cpuTicks = (Int(fields[11]) ?? 0) + (Int(fields[12]) ?? 0)
    }
}
