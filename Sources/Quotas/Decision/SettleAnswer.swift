/// The answer to a commit or a release.
public enum SettleAnswer: Hashable, Sendable {
    case ended(HoldEnding)
    /// More than the units that are held.
    case tooMuch(held: Int64)
    /// No hold has this id, or it ended hours ago.
    case unknownHold
    case unknownClinic
}
