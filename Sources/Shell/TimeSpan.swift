import Quotas

/// A length of time on the command line, written as in settings: `250ms`, `90s`, `10m`, `1h`, `1d`.
public enum TimeSpan {
    /// nil for anything else, and for a bare number, whose unit nobody can tell.
    public static func read(_ text: String) -> Duration? { Duration(text: text) }
}
