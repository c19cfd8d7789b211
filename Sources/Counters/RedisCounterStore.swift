public import Admission
public import Metering
public import Quotas
public import Redis

/// Counts clinics in Redis through the function library `metering`.
public final class RedisCounterStore: CounterStore {
    public let redis: RedisClient
    private let nonce: @Sendable () -> UInt64
    private let library: LibraryInstaller
    private let coalescer: CheckCoalescer

    /// Work beside the check path may take longer than a check.
    static let patience: Duration = .seconds(2)

    /// - Parameter late: Learns what became of checks that Redis answered too late.
    public init(
        redis: RedisClient, late: (any LateReplyObserver)? = nil,
        nonce: @escaping @Sendable () -> UInt64 = { .random(in: .min ... .max) }
    ) {
        self.redis = redis
        self.nonce = nonce
        library = LibraryInstaller(redis: redis)
        coalescer = CheckCoalescer(redis: redis, library: library, late: late)
    }

    public func check(
        _ clinic: ClinicID, _ request: CheckRequest
    ) async throws(QuotaError) -> CounterReply {
        try await AnswerOnce.wait(orWhenCancelled: .failure(.countersUnavailable("cancelled"))) {
            coalescer.check(clinic, request, then: $0)
        }.get()
    }

    public func check(
        _ clinic: ClinicID, _ request: CheckRequest,
        then completion: @escaping @Sendable (Result<CounterReply, QuotaError>) -> Void
    ) {
        coalescer.check(clinic, request, then: completion)
    }

    public func configure(
        _ clinic: ClinicID, _ terms: CounterTerms
    ) async throws(QuotaError) -> CounterReply {
        let argument = terms.encoded(nonce: nonce())
        let reply = try await call(
            "metering_configure", clinic, argument, timeout: Self.patience)
        return try decoded(reply, of: clinic)
    }

    private func decoded(
        _ reply: RedisReply, of clinic: ClinicID
    ) throws(QuotaError) -> CounterReply {
        guard let bytes = reply.bytes, let decoded = CounterReply(decoding: bytes) else {
            throw .unreadable(clinic)
        }
        return decoded
    }

    /// Calls a function on the clinic's key.
    func call(
        _ function: String, _ clinic: ClinicID, _ argument: [UInt8], timeout: Duration?
    ) async throws(QuotaError) -> RedisReply {
        try await call(
            function, [CounterKey.counter(of: clinic)], [argument], timeout: timeout)
    }

    /// Calls a function on several keys of one clinic. If Redis lost the library, this loads it and
    /// sends the call once more: "Function not found" means that nothing ran.
    func call(
        _ function: String, _ keys: [[UInt8]], _ arguments: [[UInt8]], timeout: Duration?,
        late: RedisLateReply? = nil
    ) async throws(QuotaError) -> RedisReply {
        let command = Self.command(function, keys, arguments)
        var reply = try await sent(command, timeout: timeout, late: late)
        if let error = reply.serverError, error.isFunctionNotFound {
            do throws(QuotaError) { try await install() } catch { throw error.ofOtherCall }
            reply = try await sent(command, timeout: timeout, late: late)
        }
        if let error = reply.serverError {
            throw .countersUnavailable("Redis answered \(error.code)")
        }
        return reply
    }

    static func command(
        _ function: String, _ keys: [[UInt8]], _ arguments: [[UInt8]]
    ) -> RedisCommand {
        RedisCommand(
            "FCALL",
            [.string(function), RedisArgument(keys.count)] + (keys + arguments).map { .bytes($0) })
    }

    func sent(
        _ command: RedisCommand, timeout: Duration?, late: RedisLateReply? = nil
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
            self = .unanswered("\(error)", isReplyPending: true)
        case .queueFull: self = .busy
        case let error where error.mayHaveRun: self = .unanswered("\(error)", isReplyPending: false)
        default: self = .countersUnavailable("\(error)")
        }
    }
}

// MARK: The library

extension RedisCounterStore {
    /// Loads the library unless Redis has this version or a higher one. Concurrent callers share
    /// one load.
    public func install() async throws(QuotaError) { try await library.install() }
}
