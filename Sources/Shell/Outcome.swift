import Values

/// What the exit code of a run says. Both programs share the codes; a code never changes its
/// meaning.
///
/// Thrown, it ends the run with its code and prints nothing: the command has said why.
public enum Outcome: Int32, CaseIterable, Error {
    case done, failed, wrongUsage, found, tooOld, refused, differs, wouldChange

    /// For docs/commands.md and the help of both programs.
    public var meaning: String {
        switch self {
        case .done: "done, or it was so already; then a line says so"
        case .failed: "failed; one line on stderr says why and what to do"
        case .wrongUsage:
            "wrong usage: an argument or a file is wrong, or --yes is missing and there is no "
                + "terminal to ask on"
        case .found: "found something: doctor, report --fail-on, standing adopt"
        case .tooOld: "too old: report --max-age; nothing was written"
        case .refused:
            "refused by the present state: what was asked did not come about, and the line says "
                + "what to do"
        case .differs: "figures do not agree; kept for commands that compare figures"
        case .wouldChange: "a dry run with --exit-code would change something"
        }
    }

    /// The outcome of a run that ended with an error of a command, not of the command line.
    public init(_ error: any Error) {
        self =
            switch error {
            case let outcome as Outcome: outcome
            case let error as any RequestError:
                switch error.fault {
                case .malformed: .wrongUsage
                case .refused: .refused
                case nil: .failed
                }
            default: .failed
            }
    }

    /// The list of codes at the end of `--help`.
    public static var help: String {
        "Exit codes:\n" + allCases.map { "  \($0.rawValue)  \($0.meaning)" }.joined(separator: "\n")
    }

    /// The table of codes, as Markdown.
    public static var table: String {
        "| code | means |\n|---|---|\n"
            + allCases.map { "| \($0.rawValue) | \($0.meaning) |\n" }.joined()
    }
}
