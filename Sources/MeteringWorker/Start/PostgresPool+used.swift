import Logging
import Postgres

extension PostgresPool {
    /// Opens a pool for one command and closes it when the command is done.
    static func used<R>(
        with configuration: PostgresConfiguration, setting: String = "DATABASE_URL",
        _ body: (PostgresPool) async throws -> R
    ) async throws -> R {
        let pool = PostgresPool(
            configuration: configuration, logger: Logger(label: "metering-worker.postgres"))
        let result: Result<R, any Error>
        do { result = .success(try await body(pool)) } catch {
            result = .failure(StartError(database: error, setting: setting) ?? error)
        }
        await pool.close()
        return try result.get()
    }
}
