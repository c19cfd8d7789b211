/// A value as a source holds it.
enum SettingValue: Hashable, Sendable {
    case text(String)
    case integer(Int)
    case flag(Bool)
    /// Null, a list, an object or a fraction, as JSON.
    case other
}
