import FoundationEssentials
import Glibc
public import LocalServers
import Synchronization

/// The private PostgreSQL and Redis that all tests of this process share.
public enum TestServers {
    private static let started = MadeOnce { try await startForThisProcess() }
    private static let running = Mutex<LocalServers?>(nil)

    /// Starts them on first use; callers that come meanwhile wait for the same start. They end with the
    /// process.
    /// Never returns in the last minute of a month.
    public static func shared() async throws -> LocalServers {
        let servers = try await started.value
        try await MonthEnd.pass()
        return servers
    }

    private static func startForThisProcess() async throws -> LocalServers {
        let options = PostgresOptions(
            listensOnTCP: true, settings: ["max_connections": "500"])
        let servers = try await LocalServers.start(
            postgres: options, redis: RedisOptions(listensOnTCP: true))
        running.withLock { $0 = servers }
        // If the process is killed instead, the kernel ends the servers and the next run removes their data.
        atexit { TestServers.endWithTheProcess() }
        return servers
    }

    /// Runs outside any task, so it asks /proc and sleeps as C does.
    private static func endWithTheProcess() {
        guard let servers = running.withLock(\.self) else { return }
        let processes = [servers.postgres.process, servers.redis.process].compactMap(\.self)
        servers.postgres.send(SIGCONT)
        servers.postgres.send(SIGQUIT)
        servers.redis.send(SIGKILL)
        for _ in 0..<500 where processes.contains(where: \.isAlive) { usleep(10_000) }
        try? FileManager.default.removeItem(atPath: servers.postgres.socketDirectory)
    }
}
