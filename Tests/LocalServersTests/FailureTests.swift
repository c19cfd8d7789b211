import Glibc
import TestSupport
import Testing

@testable import LocalServers

@Suite(.timed, .timeLimit(.minutes(5))) struct `A start that fails` {
    @Test func `repeats the server's own words and leaves nothing behind`() async throws {
        let nonsense = PostgresOptions(settings: ["shared_buffers": "much"])
        let error = await #expect(throws: LocalServersError.self) {
            try await LocalServers.start(postgres: nonsense)
        }
        guard case .startFailed("postgres", _, let log) = error else {
            Issue.record("another error: \(String(describing: error))")
            return
        }
        #expect(log.contains { $0.contains("shared_buffers") }, "\(log)")
        #expect("\(error.map { "\($0)" } ?? "")".contains("shared_buffers"))
    }

    @Test func `names all that is missing in one line to type`() async throws {
        let error = await #expect(throws: LocalServersError.self) {
            try await Programs.find(Programs.Need.servers, places: [])
        }
        let line =
            "apt-get install -y --no-install-recommends postgresql-15 redis-server util-linux"
        #expect(error?.remedy == "As root: \(line)")
    }

    @Test func `avoids temporary directories too long for a socket, or says so`() throws {
        let account = try ServerAccount.current()
        let long = "/tmp/" + String(repeating: "x", count: 100)
        let directory = try PrivateDirectory.make(for: account, in: [long, "/tmp"])
        #expect(directory.path.hasPrefix("/tmp/metering-run-"))
        #expect(rmdir(directory.path) == 0)
        #expect(throws: LocalServersError.socketPathTooLong(long)) {
            try PrivateDirectory.make(for: account, in: [long])
        }
    }
}
