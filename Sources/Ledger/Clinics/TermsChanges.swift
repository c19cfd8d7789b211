public import Metering

/// Clinics whose configuration rose, and where to ask on from.
public struct TermsChanges: Hashable, Sendable {
    /// May name a clinic again with a version that was answered before: compare versions.
    public var clinics: [Change]
    public var cursor: TermsCursor
    /// Whether nothing more waits now.
    public var isComplete: Bool

    public struct Change: Hashable, Sendable {
        public var clinic: ClinicID
        public var version: Int64
    }
}
