import Admission
import Quotas
import Redis

/// Loads the function library into Redis, once for all callers that find it missing.
final class LibraryInstaller: Sendable {
    let redis: RedisClient
    /// By name of the library: there is one.
    private let installs = SingleFlight<String, Result<Void, QuotaError>>()

    init(redis: RedisClient) { self.redis = redis }

    /// Loads the library unless Redis has this version or a higher one.
    func install() async throws(QuotaError) {
        let install = installs.join(FunctionLibrary.name) { await self.installOnce() }
        guard let install else { throw .busy }
        try await install.value.get()
    }

    private func installOnce() async -> Result<Void, QuotaError> {
        do throws(RedisError) {
            let version = RedisCommand("FCALL_RO", ["metering_version", 0])
            let reply = try await redis.send(version, timeout: RedisCounterStore.patience)
            if let held = reply.int, held >= FunctionLibrary.version { return .success(()) }
            if let error = reply.serverError, !error.isFunctionNotFound {
                return .failure(.countersUnavailable("Redis answered \(error.code)"))
            }
        } catch {
            return .failure(.countersUnavailable("\(error)"))
        }
        do {
            try await redis.loadFunctions(FunctionLibrary.text, name: FunctionLibrary.name)
            return .success(())
        } catch {
            return .failure(.countersUnavailable("the function library was not loaded: \(error)"))
        }
    }
}
