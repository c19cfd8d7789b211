public import Metering

/// What an evaluation found.
public struct StandingStep: Hashable, Sendable {
    /// The standing from now on; the one that was given when nothing changed.
    public let standing: Standing
    /// Since when the oldest open amount is open.
    public let unpaidSince: UTCTime?
    /// The notice that is due, as its day, whether or not it was given already.
    public let notice: Int64?
    /// When time alone may change something next; nil when only a new fact can.
    public let next: UTCTime?
}
