import HTTPServer
import Synchronization

/// Bounds the listed checks in progress, so that the lists of one key leave Redis to the checks of
/// others.
final class BatchSlots: Sendable {
    /// For one key: one list of full length at a time, or several short ones.
    static let keyMax = BatchCall.checksMax
    static let allMax = 2 * BatchCall.checksMax

    private struct State {
        var all = 0
        var byKey: [Int64: Int] = [:]
    }

    private let state = Mutex(State())

    /// - Parameter key: The id of the API key.
    func withSlots(
        for count: Int, of key: Int64, _ work: () async -> APIResponse
    ) async throws(Problem) -> APIResponse {
        try enter(count, key)
        defer { leave(count, key) }
        return await work()
    }

    private func enter(_ count: Int, _ key: Int64) throws(Problem) {
        let hasRoom = state.withLock { state in
            let own = state.byKey[key, default: 0]
            guard own + count <= Self.keyMax, state.all + count <= Self.allMax else { return false }
            state.byKey[key] = own + count
            state.all += count
            return true
        }
        guard hasRoom else { throw .batchSlotsExhausted }
    }

    private func leave(_ count: Int, _ key: Int64) {
        state.withLock { state in
            let own = state.byKey[key, default: 0] - count
            state.byKey[key] = own > 0 ? own : nil
            state.all -= count
        }
    }
}

extension Problem {
    static let batchSlotsExhausted = Problem.unavailable(
        "a worker processes at most \(BatchSlots.keyMax) listed checks of one key, and "
            + "\(BatchSlots.allMax) in total, at a time; no check of this list was counted, so "
            + "send it again after an earlier response"
    )
}
