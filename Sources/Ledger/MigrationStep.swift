/// One step of `migrate`, as it runs and as `--dry-run` shows it.
public enum MigrationStep: Hashable, Sendable {
    /// A file of `Migrations/`.
    case file(MigrationFile)
    /// A statement with the rights of the connecting role, found by the file before it or by the
    /// comparison of triggers.
    case statement(String)
    /// Functions and views, all or none: their names.
    case functions([String])
}

extension [MigrationStep] {
    /// The files in it.
    public var files: [MigrationFile] {
        compactMap { if case .file(let file) = $0 { file } else { nil } }
    }

    /// The names of the functions and views in it.
    public var functions: [String] {
        flatMap { step -> [String] in if case .functions(let names) = step { names } else { [] } }
    }

    /// The statements in it.
    public var statements: [String] {
        compactMap { if case .statement(let text) = $0 { text } else { nil } }
    }
}
