public import Metering
public import Quotas

/// Learns what became of requests whose callers were answered before Redis was.
public protocol LateReplyObserver: Sendable {
    func late(_ clinic: ClinicID, _ request: CheckRequest, _ outcome: CallOutcome)
}
