public import Quotas

/// Learns how each check ended. The gate calls it on the path of every check, so it must cost next
/// to nothing and never wait.
public protocol CheckObserver: Sendable {
    func checked(
        _ mode: CheckRequest.Mode, _ result: Result<QuotaAnswer, QuotaError>, took: Duration)
}
