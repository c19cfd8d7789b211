/// What `adoptStatuses` did or found in its way.
public enum StandingAdoption: Hashable, Sendable {
    /// The column takes only the eight statuses from now on.
    case done
    case wasDone
    /// Statuses that this version does not know, and how many clinics have each. Nothing was
    /// changed.
    case unknownStatuses([UnknownStatus])

    public struct UnknownStatus: Hashable, Sendable {
        public let status: String
        public let clinics: Int64
    }
}
