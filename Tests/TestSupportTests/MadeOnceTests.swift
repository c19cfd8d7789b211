import Synchronization
import TestSupport
import Testing

@Suite(.timed) struct `What is made once` {
    private final class Count: Sendable {
        let made = Atomic<Int>(0)
    }

    @Test func `is made once, however many want it at the same time`() async throws {
        let count = Count()
        let shared = MadeOnce {
            await Task.yield()
            return count.made.add(1, ordering: .relaxed).newValue
        }
        let values = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<20 { group.addTask { try await shared.value } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(values == Array(repeating: 1, count: 20))
    }
}
