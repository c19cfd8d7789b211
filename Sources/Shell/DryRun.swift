public import ArgumentParser

/// The options of a command that can say what it would do.
public struct DryRun: ParsableArguments {
    @Flag(name: .customLong("dry-run"), help: "Print what would change; change nothing.")
    public var isDry = false
    @Flag(
        name: .customLong("exit-code"),
        help: "With --dry-run: exit with 7 when something would change.")
    public var tellsByCode = false

    public init() {}

    public func validate() throws {
        guard isDry || !tellsByCode else {
            throw ValidationError("--exit-code goes with --dry-run")
        }
    }

    /// Ends a dry run, after it printed what would change.
    public func end(wouldChange: Bool) throws(Outcome) {
        Console.note("nothing was changed: this was a dry run")
        if tellsByCode, wouldChange { throw .wouldChange }
    }
}
