import Metering
import Synchronization
import Values

/// Denials that a gate gives again without asking its counter, for a second at most.
public final class RecentDenials: Sendable {
    private let cache = Mutex(DenialCache())
    private let uptime: @Sendable () -> Int64

    /// - Parameter uptime: Our own clock, µs from 0 on; it never goes back.
    public init(uptime: (@Sendable () -> Int64)? = nil) {
        let start = ContinuousClock.now
        self.uptime = uptime ?? { (ContinuousClock.now - start).wholeMicroseconds }
    }

    var now: Int64 { uptime() }

    /// Only `consume` is answered and noted: a peek wants the present numbers, and what is forced is counted.
    func denial(of question: Check) -> CounterReply? {
        guard question.mode == .consume else { return nil }
        let now = now
        return cache.withLock {
            $0.denial(of: question.clinic, Self.key(question), cost: question.cost, at: now)
        }
    }

    func note(_ reply: CounterReply, to question: Check, askedAt: Int64) {
        guard question.mode == .consume else { return }
        let now = now
        cache.withLock {
            $0.note(
                reply, of: question.clinic, Self.key(question), cost: question.cost,
                askedAt: askedAt, answeredAt: now)
        }
    }

    func forget(_ clinic: ClinicID) { cache.withLock { $0.forget(clinic) } }

    private static func key(_ question: Check) -> DenialCache.Key {
        DenialCache.Key(limit: LimitID.group(of: question.limit), writes: question.writes)
    }
}
