import Metering
import Quotas
import Synchronization

/// How many open holds each limit of a clinic admits, under one version of the clinic's terms.
///
/// The counter has no space for these numbers, so a reservation carries them. It carries the
/// version too, and a counter with newer terms refuses it: no reservation follows a plan that was
/// replaced.
final class ConcurrencyLimits: Sendable {
    private struct ClinicLimits {
        let version: Int64
        /// By number of the limit.
        let open: [UInt16: Int64]
    }

    /// A clinic that was evicted is read again with its next reservation.
    private let clinics = Mutex(BoundedMap<ClinicID, ClinicLimits>(capacity: clinicsMax))
    static let clinicsMax = 100_000

    func learn(_ plan: PlanFeatures?, version: Int64, of clinic: ClinicID) {
        // A limit in shadow never denies.
        let named = (plan?.limits ?? []).filter { !$0.isInShadow }.compactMap { limit in
            limit.concurrent.map { (LimitID.group(of: limit.name), $0) }
        }
        let limits = ClinicLimits(version: version, open: Dictionary(named, uniquingKeysWith: min))
        clinics.withLock { $0[clinic] = limits }
    }

    /// What a reservation carries. An unknown clinic gets a version that every counter refuses; the
    /// refusal makes the gate read the clinic.
    func terms(of clinic: ClinicID, limit: UInt16) -> (concurrent: Int64?, version: Int64) {
        guard let limits = clinics.withLock({ $0[clinic] }) else { return (nil, -1) }
        return (limits.open[limit], limits.version)
    }
}
