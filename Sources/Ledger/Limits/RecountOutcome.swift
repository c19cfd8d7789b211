/// What a recount of all rows did.
public struct RecountOutcome: Hashable, Sendable {
    public var clinics = 0
    /// Clinics left as they were, because another transaction held their counter for ten seconds.
    public var skipped = 0

    public init(clinics: Int = 0, skipped: Int = 0) {
        (self.clinics, self.skipped) = (clinics, skipped)
    }
}
