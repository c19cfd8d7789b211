import Foundation
import LocalServers
import TestSupport
import Testing

@Suite(.timed, .timeLimit(.minutes(5))) struct `Kept data` {
    @Test func `are there again on the next start, from a path with blanks`() async throws {
        let home = try TemporaryDirectory("kept, with \"blanks\" & 'quotes'")
        defer { home.remove() }
        let path = home.path + "/.local"
        for run in 1...2 {
            let servers = try await LocalServers.start(keepingDataIn: path)
            #expect(servers.keptDataDirectory == path)
            #expect(servers.postgres.dataDirectory == "\(path)/postgres")
            if run == 1 {
                _ = try await servers.postgres.client(
                    "psql", ["-Xq"], input: "CREATE TABLE proof AS SELECT 42 AS answer;")
                _ = try await servers.redis.client(["SET", "proof", "42"])
            }
            let answer = try await servers.postgres.client("psql", ["-XqAtc", "TABLE proof"])
            #expect(answer == "42\n", "run \(run)")
            #expect(try await servers.redis.client(["GET", "proof"]) == "42\n", "run \(run)")
            let processes = [servers.postgres.process, servers.redis.process].compactMap(\.self)
            await servers.stop()
            #expect(processes.count == 2)
            #expect(processes.filter(\.isAlive).isEmpty)
            #expect(!FileManager.default.fileExists(atPath: servers.postgres.socketDirectory))
        }
    }

    @Test func `belong to one process at a time, and the other learns which`() async throws {
        let home = try TemporaryDirectory("in use")
        defer { home.remove() }
        let first = try await LocalServers.start(keepingDataIn: home.path)
        await #expect(throws: LocalServersError.inUse(directory: home.path, pid: getpid())) {
            try await LocalServers.start(keepingDataIn: home.path)
        }
        #expect(first.postgres.process != nil)
        await first.stop()
        let second = try await LocalServers.start(keepingDataIn: home.path)
        await second.stop()
    }

    @Test
    func `lie under the temporary directory when PostgreSQL's user cannot reach the wanted place`()
        async throws
    {
        let home = try TemporaryDirectory("closed")
        defer { home.remove() }
        try #require(chmod(home.path, 0o700) == 0)
        let notes = Notes()
        var places: [String?] = []
        for _ in 1...2 {
            let servers = try await LocalServers.start(
                keepingDataIn: "\(home.path)/.local", note: notes.add)
            places.append(servers.keptDataDirectory)
            await servers.stop()
        }
        let place = try #require(places[0])
        #expect(places == [place, place])
        if geteuid() == 0 {
            #expect(!place.hasPrefix(home.path))
            #expect(notes.lines.count == 2)
            #expect(notes.lines.allSatisfy { $0.contains(place) })
            try FileManager.default.removeItem(atPath: place)
        } else {
            #expect(place == "\(home.path)/.local")
            #expect(notes.lines.isEmpty)
        }
    }

    @Test func `start although process ids of an earlier run now belong to others`() async throws {
        let home = try TemporaryDirectory("reused process ids")
        defer { home.remove() }
        try await LocalServers.start(keepingDataIn: home.path).stop()

        // Redis runs as the same user as PostgreSQL, which would therefore take it for its own postmaster.
        let bystander = try await LocalRedis.temporary()
        let process = try #require(bystander.process)
        try "\(process.pid)\n\(home.path)/postgres\n".write(
            toFile: "\(home.path)/postgres/postmaster.pid", atomically: true, encoding: .utf8)
        try "postgres \(process.pid) \(process.startTime &+ 1)\n".write(
            toFile: "\(home.path)/processes", atomically: true, encoding: .utf8)

        let notes = Notes()
        let servers = try await LocalServers.start(keepingDataIn: home.path, note: notes.add)
        #expect(servers.postgres.process != nil)
        #expect(bystander.process == process)
        #expect(notes.lines.isEmpty)
        await servers.stop()
        await bystander.remove()
    }
}
