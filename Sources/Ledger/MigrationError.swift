public import Postgres

/// Why a database was not migrated. Descriptions are safe for logs and say what to do.
public enum MigrationError: Error, Hashable, CustomStringConvertible {
    /// The database has tables of the application, but none of ours: here, one of them.
    case existingTables(String)
    /// An applied file differs from the one in this program.
    case changedFile(String)
    /// The database was migrated by a newer program, up to this version.
    case newerDatabase(Int64)
    /// This file was skipped when later ones were applied.
    case skippedFile(String)
    /// Another program held the lock for all the time allowed.
    case locked(waited: Duration)
    /// The connecting role lacks a right. The text names the remedy.
    case missingRight(String)
    /// A file failed; all before it are applied and recorded.
    case file(String, line: Int?, PostgresError)
    case store(PostgresError)

    public enum Remedy: Sendable { case fixSettings, upgradeProgram, restoreFile, retry, page }

    public var remedy: Remedy {
        switch self {
        case .existingTables, .missingRight: .fixSettings
        case .newerDatabase: .upgradeProgram
        case .changedFile, .skippedFile: .restoreFile
        case .locked: .retry
        case .store(let error): error.remedy == .fixSettings ? .fixSettings : .retry
        case .file: .page
        }
    }

    public var description: String {
        switch self {
        case .existingTables(let table):
            """
            the database has tables already (public.\(table)); attaching to an existing database \
            comes with the next release; nothing was changed
            """
        case .changedFile(let name):
            "\(name) was applied with another content; a released migration never changes"
        case .newerDatabase(let version):
            """
            the database is at version \(version), this program knows \
            \(MigrationFile.all.last?.version ?? 0); use the newer program
            """
        case .skippedFile(let name): "\(name) was not applied, but later ones were"
        case .locked(let waited): "another program was migrating for \(waited); try again"
        case .missingRight(let remedy): remedy
        case .file(let name, let line, let error):
            "\(name)\(line.map { " line \($0)" } ?? "") failed: \(error)"
        case .store(let error): "\(error)"
        }
    }
}
