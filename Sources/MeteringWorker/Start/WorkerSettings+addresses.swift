import Postgres
import Redis

extension WorkerSettings {
    /// Where to listen for changes; nil when that is not set.
    func listenAddress() throws -> PostgresConfiguration? {
        do { return try database.listenConfiguration() } catch PostgresError.configuration(
            let problem)
        {
            throw StartError.listenAddress(problem)
        }
    }

    /// Both addresses, read before anything connects.
    func addresses() throws -> (PostgresConfiguration, RedisConfiguration) {
        do {
            return (try database.configuration(), try redis.configuration())
        } catch PostgresError.configuration(let problem) {
            throw StartError.databaseAddress(problem)
        } catch let error as RedisError {
            throw StartError(redisSettings: error)
        }
    }
}
