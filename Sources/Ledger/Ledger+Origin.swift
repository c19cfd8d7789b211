import Billing
public import Metering
import Postgres
import Quotas

/// Where each number comes from that decides a clinic's calls.
public struct ClinicOrigin: Hashable, Sendable {
    public enum Source: Hashable, Sendable {
        /// No subscription, or a plan that says nothing of it.
        case none
        /// The plan's name, and its version in force.
        case plan(String, version: Int64?)
        case override(ListedOverride)
    }

    public let configuration: StoredConfiguration
    public let overrides: [ListedOverride]

    /// The word for where the subscription stands; nil without one, and for a word that nobody knows.
    public var standing: String? { configuration.paymentStatus?.rawValue }

    /// - Parameter what: As an override names it: `quota`, `users`, `limit:default.sustained`.
    public func source(of what: String) -> Source {
        if let entry = overrides.first(where: { "\($0.override.what)" == what }) {
            return .override(entry)
        }
        guard let plan = configuration.plan else { return .none }
        return .plan(plan.name, version: plan.version)
    }
}

extension Ledger {
    /// Nil when there is no such clinic.
    ///
    /// - Parameter redisTime: The clock that decides which month it is: µs since 1970-01-01 UTC.
    public func origin(
        of clinic: ClinicID, at redisTime: Int64
    ) async throws(LedgerError) -> ClinicOrigin? {
        guard let configuration = try await configuration(of: clinic, at: redisTime) else {
            return nil
        }
        return ClinicOrigin(
            configuration: configuration, overrides: try await overrides(of: clinic))
    }
}
