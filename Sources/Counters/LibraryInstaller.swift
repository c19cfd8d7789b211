import Quotas
import Redis
import Synchronization

/// Loads the function library into Redis, once for all who find it missing.
final class LibraryInstaller: Sendable {
    let redis: RedisClient
    private let installing = Mutex<Task<Result<Void, QuotaError>, Never>?>(nil)

    init(redis: RedisClient) { self.redis = redis }

    /// Loads it unless Redis has this version or a higher one.
    func install() async throws(QuotaError) {
        let task = installing.withLock { installing in
            if let installing { return installing }
            let task = Task { await self.installOnce() }
            installing = task
            return task
        }
        try await task.value.get()
    }

    private func installOnce() async -> Result<Void, QuotaError> {
        defer { installing.withLock { $0 = nil } }
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
