import HTTPServer
import Synchronization

/// Whether this worker is ready for requests, and if not, why.
final class Readiness: Sendable {
    private struct State {
        var isStopping = false
        var failing: Set<String> = []
    }

    private let state = Mutex(State())
    private let decidesAlone: Bool
    private let isRedisServing: @Sendable () -> Bool

    /// - Parameters:
    ///   - decidesAlone: Whether checks are answered without Redis.
    ///   - isRedisServing: Called for every response.
    init(decidesAlone: Bool = false, isRedisServing: @escaping @Sendable () -> Bool) {
        self.decidesAlone = decidesAlone
        self.isRedisServing = isRedisServing
    }

    /// From now on not ready: the process is about to end.
    func stop() {
        state.withLock { $0.isStopping = true }
    }

    /// Records whether a recurring part works.
    func note(_ part: String, isFailing: Bool) {
        state.withLock { state in
            if isFailing { state.failing.insert(part) } else { state.failing.remove(part) }
        }
    }

    private struct Document: Encodable {
        let status: String
        let reasons: [String]
    }

    /// 200 when ready. Without Redis a worker with fallback is ready: other workers would have the
    /// same outage, and with every worker out of rotation no worker would answer. An outage of
    /// PostgreSQL is reported but leaves the worker ready: it still answers for clinics that Redis
    /// knows. The cause of a failure is only in the log: this path needs no key, and a cause can
    /// name hosts and logins.
    var response: APIResponse {
        let (isReady, reasons) = verdict
        return APIResponse(
            status: isReady ? 200 : 503,
            json: Document(status: isReady ? "ready" : "not ready", reasons: reasons))
    }

    /// Whether the worker is ready.
    var isReady: Bool { verdict.isReady }

    private var verdict: (isReady: Bool, reasons: [String]) {
        let (isStopping, failing) = state.withLock { ($0.isStopping, $0.failing) }
        var reasons = failing.sorted().map { "\($0): failing, see the log" }
        let hasRedis = isRedisServing()
        if !hasRedis {
            let answers = decidesAlone ? "; this worker decides checks by itself" : ""
            reasons.insert("redis: not connected, or it takes no writes\(answers)", at: 0)
        }
        if isStopping { reasons.insert("stopping", at: 0) }
        return ((hasRedis || decidesAlone) && !isStopping, reasons)
    }
}
