import Metering

/// A place in the order of changes to terms. `ClinicLedger.cursor()` makes it before the first
/// terms are read; it is held in memory only.
public struct TermsCursor: Hashable, Sendable {
    /// The caller has every change of transactions below this id.
    var floor: UInt64
    /// How far the present pass has come.
    var place: Place?

    struct Place: Hashable, Sendable {
        var transaction: UInt64
        var clinic: ClinicID
        /// Where the next pass starts: the horizon when this one started.
        var nextFloor: UInt64
    }
}
