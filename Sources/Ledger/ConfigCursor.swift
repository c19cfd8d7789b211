public import Metering

/// A place in the order of configuration changes. Made by `Ledger.configCursor()` before the first
/// settings are read; held in memory only.
public struct ConfigCursor: Hashable, Sendable {
    /// Everything that transactions below this id changed was answered already.
    var floor: UInt64
    /// Where the pass that is under way stands.
    var place: Place?

    struct Place: Hashable, Sendable {
        var transaction: UInt64
        var clinic: ClinicID
        /// Where the next pass begins: the horizon when this one began.
        var nextFloor: UInt64
    }
}

/// Clinics whose configuration rose, and where to ask on from.
public struct ConfigChanges: Hashable, Sendable {
    /// May name a clinic again with a version that was answered before: compare versions.
    public var clinics: [Change]
    public var cursor: ConfigCursor
    /// Whether nothing more waits now.
    public var isComplete: Bool

    public struct Change: Hashable, Sendable {
        public var clinic: ClinicID
        public var version: Int64
    }
}
