public import LocalServers

extension LocalPostgres {
    /// Lends a server of a test's own and removes it.
    public static func lend<Value>(
        _ options: PostgresOptions = PostgresOptions(),
        _ body: (LocalPostgres) async throws -> Value
    ) async throws -> Value {
        try await withResource(
            { try await temporary(options) }, release: { await $0.remove() }, body)
    }
}

extension LocalRedis {
    /// Lends a server of a test's own and removes it.
    public static func lend<Value>(
        _ options: RedisOptions = RedisOptions(),
        _ body: (LocalRedis) async throws -> Value
    ) async throws -> Value {
        try await withResource(
            { try await temporary(options) }, release: { await $0.remove() }, body)
    }
}

extension LocalPgBouncer {
    /// Lends a PgBouncer before `postgres` and removes it.
    /// - Parameter users: Logins of the server and their passwords.
    public static func lend<Value>(
        before postgres: LocalPostgres, users: [String: String],
        _ body: (LocalPgBouncer) async throws -> Value
    ) async throws -> Value {
        try await withResource(
            { try await start(before: postgres, users: users) }, release: { await $0.remove() },
            body)
    }
}

extension LocalCertificates {
    /// Lends certificates and removes their files.
    public static func lend<Value>(
        _ body: (LocalCertificates) async throws -> Value
    ) async throws -> Value {
        try await withResource({ try await make() }, release: { await $0.remove() }, body)
    }
}
