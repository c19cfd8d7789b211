import Admission
import Metering
import Quotas
import Redis
import Synchronization

/// One entry of a call of `metering_check`, and its callers: one, or several with equal checks.
final class PendingCheck: RedisKeyedCall {
    typealias Completion = @Sendable (Result<CounterReply, QuotaError>) -> Void

    private struct State {
        var request: CheckRequest
        /// In the order of arrival: the first are admitted first.
        var first: Completion?
        var others: [Completion] = []
        /// Whether it was sent or answered, so that no caller may join any more.
        var isClosed = false
        /// The request of each caller, in that order, for as long as Redis may reply late; empty
        /// without a `LateReplyObserver`.
        var requests: [CheckRequest] = []
    }

    /// Most callers of one entry: it answers them all at once, and that must not take long.
    private static let callersMax = 1_000
    /// Callers that join share the deadline of the first, so they must come soon after it.
    private static let joinFor = Duration.milliseconds(1)

    let clinic: ClinicID
    let key: [UInt8]
    let function: RedisKeyedFunction
    private let path: Int
    private let library: LibraryInstaller
    private let startedAt: ContinuousClock.Instant
    private let mayReload: Bool
    private let late: (any LateReplyObserver)?
    private let state: Mutex<State>

    var argumentBytesMax: Int { CheckRequest.encodedBytes }

    convenience init(
        _ clinic: ClinicID, _ request: CheckRequest, _ completion: @escaping Completion,
        library: LibraryInstaller, path: Int, late: (any LateReplyObserver)?
    ) {
        self.init(
            clinic,
            State(request: request, first: completion, requests: late == nil ? [] : [request]),
            library: library, path: path, mayReload: true, late: late)
    }

    private init(
        _ clinic: ClinicID, _ state: State, library: LibraryInstaller, path: Int, mayReload: Bool,
        late: (any LateReplyObserver)?
    ) {
        self.clinic = clinic
        self.late = late
        self.library = library
        self.path = path
        self.mayReload = mayReload
        key = CounterKey.counter(of: clinic)
        function = state.request.mode == .peek ? Self.peek : Self.check
        startedAt = .now
        self.state = Mutex(state)
    }

    private static let check = RedisKeyedFunction("metering_check")
    private static let peek = RedisKeyedFunction("metering_peek", isReadOnly: true)

    /// Lets one more caller wait for this entry, unless its check differs or it comes too late.
    func join(_ clinic: ClinicID, _ request: CheckRequest, _ completion: @escaping Completion)
        -> Bool
    {
        guard clinic == self.clinic, .now - startedAt < Self.joinFor else { return false }
        return state.withLock { state in
            guard !state.isClosed, state.others.count + 1 < Self.callersMax,
                state.request.isSameCall(as: request)
            else { return false }
            state.request.add(request)
            state.others.append(completion)
            if late != nil { state.requests.append(request) }
            return true
        }
    }

    func argument() -> [UInt8] {
        state.withLock { state in
            state.isClosed = true
            return state.request.encoded
        }
    }

    func finish(_ answer: Result<RedisReply, RedisError>) {
        if case .success(.error(let error)) = answer, error.isFunctionNotFound, mayReload {
            return reload()
        }
        give(Result { () throws(QuotaError) in try read(answer) })
    }

    private func read(_ answer: Result<RedisReply, RedisError>) throws(QuotaError) -> CounterReply {
        switch answer {
        case .failure(let error): throw QuotaError(error)
        case .success(.error(let error)): throw .countersUnavailable("Redis answered \(error.code)")
        case .success(let reply):
            guard let bytes = reply.bytes, let decoded = CounterReply(decoding: bytes) else {
                throw .unreadable(clinic)
            }
            return decoded
        }
    }

    private func give(_ result: Result<CounterReply, QuotaError>) {
        let state = takeState()
        guard !state.others.isEmpty else {
            state.first?(result)
            return
        }
        let result = result.flatMap { reply in
            reply.admitted <= state.request.count
                ? .success(reply) : .failure(QuotaError.unreadable(clinic))
        }
        state.first?(result.map { $0.share(of: 0, in: state.request) })
        for (index, completion) in state.others.enumerated() {
            completion(result.map { $0.share(of: Int64(index) + 1, in: state.request) })
        }
    }

    /// The function that takes the callers answers them, so each is answered once.
    private func takeState() -> State {
        state.withLock { state in
            defer { (state.first, state.others, state.isClosed) = (nil, [], true) }
            return state
        }
    }

    /// "Function not found" means that nothing ran: the library is loaded and the entry sent again,
    /// once.
    private func reload() {
        var waiting = takeState()
        waiting.isClosed = true
        let again = PendingCheck(
            clinic, waiting, library: library, path: path, mayReload: false, late: late)
        Task {
            do throws(QuotaError) {
                try await library.install()
                library.redis.submit(again, on: path)
            } catch {
                again.give(.failure(error.ofOtherCall))
            }
        }
    }

    /// The reply came after its callers had been answered without it.
    func finishLate(_ answer: Result<RedisReply, RedisError>) {
        guard let late else { return }
        let (request, requests) = state.withLock { state in
            defer { state.requests = [] }
            return (state.request, state.requests)
        }
        for (index, own) in requests.enumerated() {
            late.late(clinic, own, outcome(of: Int64(index), in: request, answer))
        }
    }

    private func outcome(
        of index: Int64, in request: CheckRequest, _ answer: Result<RedisReply, RedisError>
    ) -> CallOutcome {
        switch answer {
        case .success(.error): .refused
        case .failure: .unknown
        case .success:
            if let reply = try? read(answer), reply.admitted <= request.count {
                .replied(request.count == 1 ? reply : reply.share(of: index, in: request))
            } else {
                .unknown
            }
        }
    }
}
