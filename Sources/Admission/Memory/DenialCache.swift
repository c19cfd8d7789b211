import Metering
import Quotas
import Synchronization
import Values

/// Denials that still hold, so that a gate can repeat one without a trip to its counter. Bounded.
///
/// A denial of cost 5 with a wait of 300 ms answers every `consume` of cost 5 or more for the next
/// 299.8 ms: time alone frees a limit, so nothing of it could be admitted sooner. A denial with a
/// longer wait is kept for 1 s, because what else frees it (a refund, a raised quota, a lost
/// counter) is seen only by a trip.
public final class DenialCache: Sendable {
    private let denials = Mutex(Denials())
    private let uptime: @Sendable () -> Int64

    /// - Parameter uptime: A clock of this process, µs from 0 on; it never goes back.
    public init(uptime: (@Sendable () -> Int64)? = nil) {
        let start = ContinuousClock.now
        self.uptime = uptime ?? { (ContinuousClock.now - start).wholeMicroseconds }
    }

    var now: Int64 { uptime() }

    /// The denial that a check would get again; nil when the counter has to decide.
    ///
    /// Only a `consume` gets one: a peek wants present numbers, and a forced check is counted.
    func denial(of check: Check) -> CounterReply? {
        guard check.mode == .consume else { return nil }
        let now = now
        return denials.withLock {
            $0.denial(of: check.clinic, Key(check), cost: check.cost, at: now)
        }
    }

    /// Remembers the reply to a check, if it is a denial that holds for a while.
    func record(_ reply: CounterReply, to check: Check, sentAt: Int64) {
        guard check.mode == .consume else { return }
        let now = now
        denials.withLock {
            $0.record(
                reply, of: check.clinic, Key(check), cost: check.cost, sentAt: sentAt,
                receivedAt: now)
        }
    }

    func forget(_ clinic: ClinicID) { denials.withLock { $0.forget(clinic) } }
}

extension DenialCache {
    struct Key: Hashable, Sendable {
        let limit: UInt16
        let writes: Bool

        init(limit: UInt16, writes: Bool) {
            (self.limit, self.writes) = (limit, writes)
        }

        init(_ check: Check) {
            self.init(limit: LimitID.group(of: check.limit), writes: check.writes)
        }
    }

    /// The denials as a value; all times are arguments.
    struct Denials: Sendable {
        private struct Denial: Sendable {
            let cost: Int64
            let reply: CounterReply
            let receivedAt: Int64
            /// The first moment at which it no longer holds.
            let end: Int64
        }

        /// The denials of a clinic under one version of its terms.
        private struct ClinicDenials: Sendable {
            let version: Int64
            var byKey: [Key: Denial] = [:]
        }

        private var clinics = BoundedMap<ClinicID, ClinicDenials>(capacity: clinicsMax)

        static let keptFor: Int64 = 1_000_000
        static let clinicsMax = 10_000
        /// The limits of a plan, for calls that read and for calls that write.
        private static let keysMax = 2 * CounterValue.limitsMax

        /// The denial of a call that would be denied again, as it is at `now`; nil = send the call.
        func denial(of clinic: ClinicID, _ key: Key, cost: Int64, at now: Int64) -> CounterReply? {
            guard let denial = clinics[clinic]?.byKey[key], cost >= denial.cost, now < denial.end
            else { return nil }
            return denial.reply.aged(by: max(0, now - denial.receivedAt))
        }

        /// Takes in the reply to a `consume`.
        ///
        /// - Parameter sentAt: A time before the counter decided, so that no denial outlives its
        ///   wait.
        mutating func record(
            _ reply: CounterReply, of clinic: ClinicID, _ key: Key, cost: Int64, sentAt: Int64,
            receivedAt: Int64
        ) {
            var held = clinics[clinic] ?? ClinicDenials(version: reply.configVersion)
            if held.version != reply.configVersion {
                held = ClinicDenials(version: reply.configVersion)
            }
            held.byKey[key] = nil
            if let end = Self.end(of: reply, sentAt: sentAt), end > receivedAt {
                if held.byKey.count >= Self.keysMax {
                    held.byKey = held.byKey.filter { $0.value.end > receivedAt }
                }
                if held.byKey.count < Self.keysMax {
                    held.byKey[key] = Denial(
                        cost: cost, reply: reply, receivedAt: receivedAt, end: end)
                }
            }
            if held.byKey.isEmpty {
                if clinics[clinic] != nil { clinics[clinic] = nil }
            } else {
                clinics[clinic] = held
            }
        }

        /// Something of the clinic was given back.
        mutating func forget(_ clinic: ClinicID) { clinics[clinic] = nil }

        var clinicsHeld: Int { clinics.count }

        /// When a denial ends; nil when the reply is no denial by a rate limit or the quota,
        /// because a standing may change at any moment.
        ///
        /// The clock of this process may run slower than that of Redis by 1 in 2,000.
        private static func end(of reply: CounterReply, sentAt: Int64) -> Int64? {
            let byCount = 0xFF | CounterReply.quotaBit
            guard reply.verdict == .denied, reply.mask != 0, reply.mask & ~byCount == 0 else {
                return nil
            }
            let wait = reply.wait < 0 ? keptFor : min(reply.wait, keptFor)
            return sentAt + wait - wait / StoreClock.drift - 1
        }
    }
}

extension CounterReply {
    /// The denial as it is `time` µs later, when nothing was counted meanwhile.
    fileprivate func aged(by time: Int64) -> CounterReply {
        var aged = self
        aged.now += time
        if wait > 0 { aged.wait = max(1, wait - time) }
        aged.limits = limits.map { $0.moved(to: aged.now) }
        return aged
    }
}
