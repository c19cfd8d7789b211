import Synchronization

/// What a lane shows to other threads.
final class Gauge: Sendable {
    struct Reading: Sendable {
        var lastFailure: RedisError?
        var refusal: RedisServerError?
        var connects = 0
        var commands = 0
        var flushes = 0
    }

    /// Read on every send, so it is outside the lock.
    private let up = Atomic<Bool>(false)
    private let state = Mutex(Reading())

    var isUp: Bool { up.load(ordering: .relaxed) }
    /// Whether the latest answer to a write was that none is taken. It stays so while the
    /// connection is down, until another one is ready.
    var isRefused: Bool { state.withLock { $0.refusal != nil } }
    var reading: Reading { state.withLock { $0 } }

    func connected() {
        state.withLock { reading in
            reading.connects += 1
            reading.lastFailure = nil
            reading.refusal = nil
        }
        up.store(true, ordering: .relaxed)
    }

    func disconnected(_ reason: RedisError) {
        up.store(false, ordering: .relaxed)
        state.withLock { $0.lastFailure = reason }
    }

    func refused(_ error: RedisServerError) { state.withLock { $0.refusal = error } }

    func servedAgain() { state.withLock { $0.refusal = nil } }

    func flushed(commands: Int) {
        state.withLock { reading in
            reading.commands += commands
            reading.flushes += 1
        }
    }
}
