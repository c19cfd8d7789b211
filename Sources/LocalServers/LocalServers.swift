import Glibc

/// A private PostgreSQL 15 and Redis 7 for the demo and the tests.
///
/// They listen on Unix sockets in a directory that only this user can enter, run under `setpriv
/// --pdeathsig`, so that they end when this process does, however it does, and are ended by process
/// id *and* start time.
public struct LocalServers: Sendable {
    public let postgres: LocalPostgres
    public let redis: LocalRedis
    /// Where the data are; nil when they end with the run.
    public let keptDataDirectory: String?

    let site: Site
    private let data: DataDirectory?

    /// Starts both servers and waits until they serve.
    /// - Parameters:
    ///   - keptData: Where the data live from one run to the next; nil for data that `stop`
    ///     removes. Where PostgreSQL's user cannot reach it, a directory under `$TMPDIR` takes its
    ///     place.
    ///   - note: Receives a line for each thing that a person should know.
    public static func start(
        keepingDataIn keptData: String? = nil,
        postgres postgresOptions: PostgresOptions = PostgresOptions(),
        redis redisOptions: RedisOptions = RedisOptions(),
        note: @escaping @Sendable (String) -> Void = { _ in }
    ) async throws(LocalServersError) -> LocalServers {
        let programs = try await Programs.find(Programs.Need.servers)
        let account = try ServerAccount.current()
        var data: DataDirectory?
        if let keptData {
            data = try await DataDirectory.open(
                keptData, for: account, programs: programs, note: note)
            await data?.endLeftovers(note: note)
        }
        await PrivateDirectory.sweep(for: account, note: note)
        do {
            let site = try Site.make(programs: programs, account: account, keeping: data?.path)
            return try await start(
                at: site, data: data, postgresOptions: postgresOptions, redisOptions: redisOptions)
        } catch {
            data?.release()
            throw error
        }
    }

    /// Ends both servers, first in order and then by force, and removes data that are not kept.
    public func stop() async {
        async let redisEnd: Void = redis.stop()
        await postgres.stop()
        await redisEnd
        await site.leave()
        data?.release()
    }

    /// Both at the same time; when one fails, the other is ended.
    private static func start(
        at site: Site, data: DataDirectory?, postgresOptions: PostgresOptions,
        redisOptions: RedisOptions
    ) async throws(LocalServersError) -> LocalServers {
        async let redisStart = result { () async throws(LocalServersError) in
            try await LocalRedis.start(at: site, options: redisOptions)
        }
        let postgresStart = await result { () async throws(LocalServersError) in
            try await LocalPostgres.start(at: site, options: postgresOptions)
        }
        switch (postgresStart, await redisStart) {
        case (.success(let postgres), .success(let redis)):
            return LocalServers(
                postgres: postgres, redis: redis, keptDataDirectory: data?.path, site: site,
                data: data)
        case (let postgresStart, let redisStart):
            if case .success(let postgres) = postgresStart { await postgres.stop() }
            if case .success(let redis) = redisStart { await redis.stop() }
            await site.leave()
            _ = try postgresStart.get()
            _ = try redisStart.get()
            preconditionFailure("one of the two failed")
        }
    }

    private static func result<Started: Sendable>(
        _ start: () async throws(LocalServersError) -> Started
    ) async -> Result<Started, LocalServersError> {
        do { return .success(try await start()) } catch { return .failure(error) }
    }
}
