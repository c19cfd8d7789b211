import Metering

/// A place in the order of configuration changes. Made by `Ledger.configCursor()` before the first
/// settings are read; held in memory only.
public struct TermsCursor: Hashable, Sendable {
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
