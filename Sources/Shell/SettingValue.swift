/// A value as a source holds it.
enum SettingValue: Hashable, Sendable {
    case text(String)
    case integer(Int)
    case flag(Bool)
    /// Null, a list, an object or a fraction, as JSON.
    case other
}

extension SettingValue {
    var text: String? {
        guard case .text(let text) = self else { return nil }
        return text
    }
}

extension SettingValue: CustomStringConvertible {
    /// The value as a setting writes it; never printed for a secret.
    var description: String {
        switch self {
        case .text(let text): text
        case .integer(let number): String(number)
        case .flag(let flag): String(flag)
        case .other: "null, a list, an object or a fraction"
        }
    }
}
