public import Metering
public import Quotas
public import Redis
import Synchronization

/// Counts clinics in Redis through the function library `metering`.
public final class RedisCounterStore: CounterStore {
    public let redis: RedisClient
    private let nonce: @Sendable () -> UInt64
    /// Hears what became of checks that were answered too late; nil = nobody does.
    private let late: (any LateListener)?
    private let installing = Mutex<Task<Result<Void, QuotaError>, Never>?>(nil)

    /// Work beside the check path may take longer than a check.
    static let patience: Duration = .seconds(2)

    public init(
        redis: RedisClient, late: (any LateListener)? = nil,
        nonce: @escaping @Sendable () -> UInt64 = { .random(in: .min ... .max) }
    ) {
        self.redis = redis
        self.late = late
        self.nonce = nonce
    }

    public func check(
        _ clinic: ClinicID, _ request: CheckRequest
    ) async throws(QuotaError) -> CounterReply {
        let function = request.mode == .peek ? "metering_peek" : "metering_check"
        let reply = try await call(
            function, clinic, request.encoded, timeout: nil, late: fate(of: request, clinic))
        guard let element = reply.elements?.first else { throw .unreadable(clinic) }
        return try decoded(element, of: clinic)
    }

    public func configure(
        _ clinic: ClinicID, _ configuration: CounterConfiguration
    ) async throws(QuotaError) -> CounterReply {
        let argument = configuration.encoded(nonce: nonce())
        let reply = try await call(
            "metering_configure", clinic, argument, timeout: Self.patience)
        return try decoded(reply, of: clinic)
    }

    /// Reads a reply that came after its deadline.
    private func fate(of request: CheckRequest, _ clinic: ClinicID) -> LateReply? {
        guard let late else { return nil }
        return { result in
            guard case .success(let reply) = result else {
                return late.late(clinic, request, .unknown)
            }
            if reply.serverError != nil { return late.late(clinic, request, .refused) }
            let decoded = reply.elements?.first?.bytes.flatMap(CounterReply.init(decoding:))
            late.late(clinic, request, decoded.map(CallFate.replied) ?? .unknown)
        }
    }

    private func decoded(
        _ reply: RedisReply, of clinic: ClinicID
    ) throws(QuotaError) -> CounterReply {
        guard let bytes = reply.bytes, let decoded = CounterReply(decoding: bytes) else {
            throw .unreadable(clinic)
        }
        return decoded
    }

    /// One call of a function on the clinic's key. A library that Redis lost is loaded once and asked again:
    /// "Function not found" means that nothing ran.
    func call(
        _ function: String, _ clinic: ClinicID, _ argument: [UInt8], timeout: Duration?,
        late: LateReply? = nil
    ) async throws(QuotaError) -> RedisReply {
        let command = RedisCommand(
            function == "metering_peek" ? "FCALL_RO" : "FCALL",
            [
                .string(function), .integer(1), .bytes(CounterKey.counter(of: clinic)),
                .bytes(argument),
            ])
        var reply = try await sent(command, timeout: timeout, late: late)
        if let error = reply.serverError, error.isFunctionNotFound {
            do throws(QuotaError) { try await install() } catch { throw error.ofOtherCall }
            reply = try await sent(command, timeout: timeout, late: late)
        }
        if let error = reply.serverError { throw .countersAway("Redis answered \(error.code)") }
        return reply
    }

    func sent(
        _ command: RedisCommand, timeout: Duration?, late: LateReply? = nil
    ) async throws(QuotaError) -> RedisReply {
        do {
            return try await redis.send(command, timeout: timeout, late: late)
        } catch {
            throw QuotaError(error)
        }
    }
}

extension QuotaError {
    init(_ error: RedisError) {
        switch error {
        case .deadline(_, sent: true), .cancelled(sent: true):
            self = .unanswered("\(error)", isOwed: true)
        case let error where error.mayHaveRun: self = .unanswered("\(error)", isOwed: false)
        default: self = .countersAway("\(error)")
        }
    }
}

// MARK: The library

extension RedisCounterStore {
    /// Loads the library unless Redis has this version or a higher one. Callers at the same time share
    /// one load.
    public func install() async throws(QuotaError) {
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
        do throws(QuotaError) {
            let version = RedisCommand("FCALL_RO", ["metering_version", 0])
            let reply = try await sent(version, timeout: Self.patience)
            if let held = reply.int, held >= FunctionLibrary.version { return .success(()) }
            if let error = reply.serverError, !error.isFunctionNotFound {
                return .failure(.countersAway("Redis answered \(error.code)"))
            }
        } catch {
            return .failure(error)
        }
        do {
            try await redis.loadFunctions(FunctionLibrary.text, name: FunctionLibrary.name)
            return .success(())
        } catch {
            return .failure(.countersAway("the function library was not loaded: \(error)"))
        }
    }
}
