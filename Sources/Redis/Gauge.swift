import Synchronization

/// What a lane shows to other threads.
final class Gauge: Sendable {
    struct Reading: Sendable {
        var lastFailure: RedisError?
        var connects = 0
        var commands = 0
        var flushes = 0
    }

    /// Asked for on every send, so it stands outside the lock.
    private let up = Atomic<Bool>(false)
    private let state = Mutex(Reading())

    var isUp: Bool { up.load(ordering: .relaxed) }
    var reading: Reading { state.withLock { $0 } }

    func connected() {
        state.withLock { reading in
            reading.connects += 1
            reading.lastFailure = nil
        }
        up.store(true, ordering: .relaxed)
    }

    func disconnected(_ reason: RedisError) {
        up.store(false, ordering: .relaxed)
        state.withLock { $0.lastFailure = reason }
    }

    func flushed(commands: Int) {
        state.withLock { reading in
            reading.commands += commands
            reading.flushes += 1
        }
    }
}
