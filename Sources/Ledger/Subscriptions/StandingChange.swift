public import Billing
public import Metering

/// What an evaluation of a standing changed.
public struct StandingChange: Hashable, Sendable {
    public let before: Standing?
    public let after: Standing
    /// The number of the stored event; nil when the status stayed.
    public let event: Int64?
    /// The day of the notice that was put into the outbox.
    public let notice: Int64?
    public let unpaidSince: UTCTime?
    /// When time alone may change something next.
    public let next: UTCTime?
}

extension StandingChange {
    /// Nothing changed: the fact was recorded before.
    init(repeating record: StandingRecord) {
        let step = record.step()
        self.init(
            before: record.standing, after: record.standing ?? step.standing, event: nil,
            notice: nil, unpaidSince: step.unpaidSince, next: step.next)
    }
}
