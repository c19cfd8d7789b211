/// What `adoptStatuses` did or found in its way.
public enum StandingAdoption: Hashable, Sendable {
    /// The column takes the eight words only from now on.
    case done
    case wasDone
    /// Words that nobody knows, and how many clinics have each; nothing was changed.
    case unknownStatuses([UnknownStatus])

    public struct UnknownStatus: Hashable, Sendable {
        public let status: String
        public let clinics: Int64
    }
}
