import Values

/// One setting: its names, its allowed values, its meaning.
///
/// The path gives both names: `["metering", "checkpoint_interval"]` is
/// `METERING_CHECKPOINT_INTERVAL` in the environment and `{"metering": {"checkpoint_interval": …}}`
/// in the file.
public struct SettingKey: Hashable, Sendable {
    public let path: [String]
    public let kind: Kind
    /// One sentence for docs/configuration.md.
    public let meaning: String

    public init(_ path: [String], _ kind: Kind, _ meaning: String) {
        self.path = path
        self.kind = kind
        self.meaning = meaning
    }

    public enum Kind: Hashable, Sendable {
        /// Any text that is not empty.
        case text(default: String)
        case choice([String], default: String)
        case integer(ClosedRange<Int>, default: Int)
        /// Written with a unit: `250ms`, `1s`, `5m`.
        case duration(ClosedRange<Duration>, default: Duration)
        case flag(default: Bool)
        /// The path of a file. Has no default.
        case path
        /// Never printed. Has no default, and can also be read from a file that another key names.
        case secret(form: String)
    }

    public var environmentName: String { path.joined(separator: "_").uppercased() }
    public var fileName: String { path.joined(separator: ".") }
    public var isSecret: Bool { if case .secret = kind { true } else { false } }

    /// The path of the key that names a file holding this secret: `DATABASE_URL_FILE`,
    /// `database.url_file`.
    var pathOfFile: [String]? {
        guard isSecret, let last = path.last else { return nil }
        return path.dropLast() + ["\(last)_file"]
    }
}

extension SettingKey.Kind {
    /// The value of an environment variable's text, or the text itself when it has another form.
    func value(of text: String) -> SettingValue {
        switch self {
        case .integer: Int(text).map(SettingValue.integer) ?? .text(text)
        case .flag: Self.flag(text).map(SettingValue.flag) ?? .text(text)
        case .text, .choice, .duration, .path, .secret: .text(text)
        }
    }

    private static func flag(_ text: String) -> Bool? {
        switch text {
        case "1": true
        case "0": false
        default: Bool(text)
        }
    }

    func allows(_ value: SettingValue) -> Bool {
        switch (self, value) {
        case (.text, .text(let text)), (.secret, .text(let text)): !text.isEmpty
        case (.path, .text(let text)): !text.isEmpty && !text.utf8.contains(0)
        case (.choice(let words, _), .text(let text)): words.contains(text)
        case (.integer(let range, _), .integer(let number)): range.contains(number)
        case (.duration(let range, _), .text(let text)):
            Duration(text: text).map(range.contains) ?? false
        case (.flag, .flag): true
        default: false
        }
    }

    /// The allowed values, for messages and docs/configuration.md: `100ms to 1m`.
    public var allowed: String {
        switch self {
        case .text: "text that is not empty"
        case .choice(let words, _): words.joined(separator: ", ")
        case .integer(let range, _): "\(range.lowerBound) to \(range.upperBound)"
        case .duration(let range, _):
            "\(range.lowerBound.text) to \(range.upperBound.text)"
        case .flag: "true or false"
        case .path: "the path of a file"
        case .secret(let form): form
        }
    }

    /// The value when neither the environment nor the file has one.
    var defaultValue: SettingValue? {
        switch self {
        case .text(let text), .choice(_, let text): .text(text)
        case .integer(_, let number): .integer(number)
        case .duration(_, let duration): .text(duration.text)
        case .flag(let flag): .flag(flag)
        case .path, .secret: nil
        }
    }

    public var defaultText: String? { defaultValue?.description }
}
