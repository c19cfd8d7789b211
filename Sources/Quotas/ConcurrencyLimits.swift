import Metering
import Synchronization

/// How many open holds each limit of a clinic admits, as its plan says under one version of its configuration.
///
/// The counter has no room for these numbers, so whoever reserves brings them. It brings the version too, and a
/// counter that holds a newer one refuses: so nobody reserves by a plan that was replaced.
final class ConcurrencyLimits: Sendable {
    private struct Page {
        let version: Int64
        /// By number of the limit.
        let open: [UInt16: Int64]
    }

    private let pages = Mutex<[ClinicID: Page]>([:])
    /// Beyond this many clinics all are forgotten, and asked again when they reserve.
    static let clinicsMax = 100_000

    func learn(_ plan: PlanFeatures?, version: Int64, of clinic: ClinicID) {
        // What is in shadow never says no.
        let named = (plan?.limits ?? []).filter { !$0.isInShadow }.compactMap { limit in
            limit.concurrent.map { (LimitID.group(of: limit.name), $0) }
        }
        let page = Page(version: version, open: Dictionary(named, uniquingKeysWith: min))
        pages.withLock { pages in
            if pages[clinic] == nil, pages.count >= Self.clinicsMax { pages.removeAll() }
            pages[clinic] = page
        }
    }

    /// What a reservation brings. A clinic that is not known here brings a version that no counter takes, and
    /// the answer makes it known.
    func terms(of clinic: ClinicID, limit: UInt16) -> (concurrent: Int64?, version: Int64) {
        guard let page = pages.withLock({ $0[clinic] }) else { return (nil, -1) }
        return (page.open[limit], page.version)
    }
}
