public import Metering

/// Clinics whose terms changed, and where to continue.
public struct TermsChanges: Hashable, Sendable {
    /// May name a clinic again with a version that the caller has: compare versions.
    public var clinics: [Change]
    public var cursor: TermsCursor
    /// Whether there are no more changes now.
    public var isComplete: Bool

    public struct Change: Hashable, Sendable {
        public var clinic: ClinicID
        public var version: Int64
    }
}
