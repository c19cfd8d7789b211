import Synchronization

/// The leased connections and the waiting callers. Changed under the pool's lock.
struct PoolState {
    typealias Waiter = CheckedContinuation<Result<Grant, PostgresError>, Never>

    /// What a caller gets: a connection, or the right to open one.
    enum Grant: Sendable { case lease(Lease), opening }
    enum Request { case granted(Grant), refused(PostgresError), queued }

    /// Connections that exist or are being opened.
    private(set) var open = 0
    private var idle: [Lease] = []
    /// In order of arrival. At most `waitersMax`, so that removing in the middle is cheap enough.
    private var waiters: [(ticket: UInt64, waiter: Waiter)] = []
    private var lastTicket: UInt64 = 0
    private var isClosed = false
    var closers: [UInt64: CheckedContinuation<Void, Never>] = [:]

    mutating func newTicket() -> UInt64 {
        lastTicket += 1
        return lastTicket
    }

    /// No caller overtakes another: as long as one waits, nothing is idle and no place is free.
    mutating func request(size: Int) -> Request {
        if isClosed { return .refused(.closed) }
        if let lease = idle.popLast() { return .granted(.lease(lease)) }
        guard open < size else { return .queued }
        open += 1
        return .granted(.opening)
    }

    /// Asks again and queues in one step, because a connection may have come back meanwhile.
    mutating func enqueue(
        _ waiter: Waiter, ticket: UInt64, size: Int, waitersMax: Int
    ) -> Request {
        let request = request(size: size)
        guard case .queued = request else { return request }
        guard waiters.count < waitersMax else { return .refused(.poolExhausted(waited: .zero)) }
        waiters.append((ticket, waiter))
        return .queued
    }

    mutating func removeWaiter(_ ticket: UInt64) -> Waiter? {
        guard let place = waiters.firstIndex(where: { $0.ticket == ticket }) else { return nil }
        return waiters.remove(at: place).waiter
    }

    /// A good connection came back. Returns the caller that gets it, or false in `kept` when it has
    /// to be closed.
    mutating func takeBack(_ lease: Lease) -> (next: Waiter?, kept: Bool) {
        guard !isClosed else { return (nil, false) }
        guard waiters.isEmpty else { return (waiters.removeFirst().waiter, true) }
        idle.append(lease)
        return (nil, true)
    }

    /// A connection is gone. Returns the callers that may open another, or that waited for the pool
    /// to empty.
    mutating func freePlace() -> (next: Waiter?, closers: [CheckedContinuation<Void, Never>]) {
        if !waiters.isEmpty { return (waiters.removeFirst().waiter, []) }
        open -= 1
        guard isClosed, open == 0 else { return (nil, []) }
        defer { closers = [:] }
        return (nil, Array(closers.values))
    }

    /// Idle connections leave at once; those on loan when they come back.
    mutating func close() -> (idle: [Lease], waiters: [Waiter]) {
        isClosed = true
        open -= idle.count
        defer { (idle, waiters) = ([], []) }
        return (idle, waiters.map(\.waiter))
    }

    var waiterCount: Int { waiters.count }
}
