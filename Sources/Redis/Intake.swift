import Synchronization

/// The bounded way from any task to a lane's event loop.
///
/// A call counts from the moment it is offered until its connection no longer owes the reply, so
/// the limit holds over everything that waits, wherever it waits.
final class Intake: Sendable {
    private let callsMax: Int
    private let bytesMax: Int
    private let calls = Atomic<Int>(0)
    private let bytes = Atomic<Int>(0)
    private let inbox = Mutex<[Call]>([])

    init(callsMax: Int, bytesMax: Int) {
        self.callsMax = max(1, callsMax)
        self.bytesMax = max(1, bytesMax)
    }

    var count: Int { calls.load(ordering: .relaxed) }

    /// Counts `count` calls of `size` bytes together, or none of them.
    /// - Returns: `nil`, or the limit that is reached.
    func reserve(count: Int, size: Int) -> RedisError? {
        guard calls.wrappingAdd(count, ordering: .relaxed).newValue <= callsMax else {
            calls.wrappingSubtract(count, ordering: .relaxed)
            return .queueFull(limit: callsMax)
        }
        guard bytes.wrappingAdd(size, ordering: .relaxed).newValue <= bytesMax else {
            release(count: count, size: size)
            return .queueFull(limit: bytesMax)
        }
        return nil
    }

    func release(count: Int, size: Int) {
        calls.wrappingSubtract(count, ordering: .relaxed)
        bytes.wrappingSubtract(size, ordering: .relaxed)
    }

    /// Puts reserved calls into the inbox, next to each other.
    /// - Returns: Whether the inbox was empty, so that its lane must be woken.
    func put(_ batch: [Call]) -> Bool {
        inbox.withLock { inbox in
            inbox.append(contentsOf: batch)
            return inbox.count == batch.count
        }
    }

    /// As ``put(_:)-([Call])`` for a single call, without making an array of it.
    func put(_ call: Call) -> Bool {
        inbox.withLock { inbox in
            inbox.append(call)
            return inbox.count == 1
        }
    }

    /// Everything that came since the last time, oldest first.
    func takeAll() -> [Call] {
        inbox.withLock { inbox in
            let calls = inbox
            inbox = []
            inbox.reserveCapacity(min(calls.count, 256))
            return calls
        }
    }
}
