import HTTPServer
import Synchronization

/// Whether this worker should be sent requests, and if not, why.
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
    ///   - isRedisServing: Asked at every answer.
    init(decidesAlone: Bool = false, isRedisServing: @escaping @Sendable () -> Bool) {
        self.decidesAlone = decidesAlone
        self.isRedisServing = isRedisServing
    }

    /// From now on not ready: the process is about to end.
    func stop() {
        state.withLock { $0.isStopping = true }
    }

    /// Says how a recurring part fares.
    func note(_ part: String, isFailing: Bool) {
        state.withLock { state in
            if isFailing { state.failing.insert(part) } else { state.failing.remove(part) }
        }
    }

    private struct Document: Encodable {
        let status: String
        let reasons: [String]
    }

    /// 200 when requests are welcome. Without Redis they are where checks are decided alone: sent elsewhere they
    /// would find the same, and with every worker out of turn nobody would answer. PostgreSQL being away is told but
    /// is no reason to send them elsewhere: clinics that Redis knows are answered all the same. Why a part fails is
    /// only in the log: everybody may ask here, and the reason can name hosts and logins.
    var response: APIResponse {
        let (isReady, reasons) = verdict
        return APIResponse(
            status: isReady ? 200 : 503,
            json: Document(status: isReady ? "ready" : "not ready", reasons: reasons))
    }

    /// Whether requests are welcome.
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
