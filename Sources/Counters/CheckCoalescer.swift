import Admission
import Metering
import Quotas
import Redis
import Synchronization

/// Sends checks that wait at the same time in as few calls of Redis as their answers allow.
///
/// The driver sends checks of different clinics as one call of many keys. Equal checks of one
/// clinic become one entry of it. Only checks of the same connection are joined, so that each reply
/// arrives on the event loop of its caller. docs/decisions/0016-coalescing.md gives the reasons.
final class CheckCoalescer: Sendable {
    /// By hash of the clinic: the latest check that others may still join. A check of another
    /// clinic with the same hash replaces it.
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
        _ clinic: ClinicID, _ request: CheckRequest,
        then completion: @escaping PendingCheck.Completion
    ) {
        let path = redis.choosePath()
        guard request.mode == .consume else {
            let check = PendingCheck(
                clinic, request, completion, library: library, path: path, late: late)
            return redis.submit(check, on: path)
        }
        let place = clinic.hashValue & (Self.places - 1)
        let fresh: PendingCheck? = benches[path].value.withLock { bench in
            if let waiting = bench[place], waiting.join(clinic, request, completion) { return nil }
            let check = PendingCheck(
                clinic, request, completion, library: library, path: path, late: late)
            bench[place] = check
            return check
        }
        if let fresh { redis.submit(fresh, on: path) }
    }
}
