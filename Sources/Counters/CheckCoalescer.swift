import Metering
import Quotas
import Redis
import Synchronization

/// Puts checks that wait at the same time into as few calls of Redis as their answers allow.
///
/// Checks of different clinics go out as one call of many keys, which the driver sees to. Checks of one
/// clinic that ask the same become one entry of it; only those that take the same connection meet here, so
/// that each answer comes on the event loop that asked. docs/decisions/0016-coalescing.md says why.
final class CheckCoalescer: Sendable {
    /// The youngest check of some clinic that may still be joined; one of another clinic takes its place.
    private typealias Bench = [PendingCheck?]

    private static let places = 256

    private let redis: RedisClient
    private let library: LibraryInstaller
    private let late: (any LateReplyObserver)?
    /// By connection.
    private let benches: [Locked<Bench>]

    /// A lock that an array can hold.
    private final class Locked<Value: Sendable>: Sendable {
        let value: Mutex<Value>
        init(_ value: Value) { self.value = Mutex(value) }
    }

    init(redis: RedisClient, library: LibraryInstaller, late: (any LateReplyObserver)?) {
        self.redis = redis
        self.library = library
        self.late = late
        benches = (0..<redis.connections).map { _ in
            Locked(Array(repeating: nil, count: Self.places))
        }
    }

    func check(
        _ clinic: ClinicID, _ request: CheckRequest, then answer: @escaping PendingCheck.Waiter
    ) {
        let path = redis.choosePath()
        guard request.mode == .consume else {
            let check = PendingCheck(
                clinic, request, answer, library: library, path: path, late: late)
            return redis.submit(check, on: path)
        }
        let place = clinic.hashValue & (Self.places - 1)
        let fresh: PendingCheck? = benches[path].value.withLock { bench in
            if let waiting = bench[place], waiting.join(clinic, request, answer) { return nil }
            let check = PendingCheck(
                clinic, request, answer, library: library, path: path, late: late)
            bench[place] = check
            return check
        }
        if let fresh { redis.submit(fresh, on: path) }
    }
}
