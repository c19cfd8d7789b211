public import Postgres

/// Why a database was not migrated. Descriptions are safe for logs and say what to do.
public enum MigrationError: Error, Hashable, CustomStringConvertible {
    /// The application's tables cannot be attached unchanged: all problems.
    case cannotAttach([AttachProblem])
    /// The database has this file with another name or content: its schema is another one.
    case otherSchema(String)
    /// The database was migrated by a newer program, up to this version.
    case newerDatabase(Int64)
    /// This file was skipped when later ones were applied.
    case skippedFile(String)
    /// Another program held the lock for all the time allowed.
    case locked(waited: Duration)
    /// Other sessions used what this step had to lock, for all the time allowed.
    case busy(String, waited: Duration)
    /// A statement ran, but the query still returns it.
    case withoutEffect(String)
    /// The connecting role lacks a right. The text names the remedy.
    case missingRight(String)
    /// A file failed; all before it are applied and recorded.
    case file(String, line: Int?, PostgresError)
    /// The database refused a step. The text says what to do.
    case refused(String, PostgresError, remedy: String)
    /// A pooler gives the program another session for each transaction.
    case pooled
    case store(PostgresError)

    public enum Remedy: Sendable {
        case fixSettings, upgradeProgram, restoreFile, recreateSchema, retry, page
    }

    public var remedy: Remedy {
        switch self {
        case .cannotAttach, .missingRight, .refused, .pooled: .fixSettings
        case .newerDatabase: .upgradeProgram
        case .skippedFile: .restoreFile
        case .otherSchema: .recreateSchema
        case .locked, .busy: .retry
        case .store(let error): error.remedy == .fixSettings ? .fixSettings : .retry
        case .file, .withoutEffect: .page
        }
    }

    public var description: String {
        switch self {
        case .cannotAttach(let problems):
            (["this database has tables that cannot be attached as they are; nothing was changed"]
                + problems.map { "\($0.what): \($0.remedy)" }).joined(separator: "\n")
        case .otherSchema(let name):
            """
            the schema of this database is not that of this program (\(name) differs), and a schema from before \
            0.1.0 is not upgraded: create a new database, or remove the schema as docs/attach.md \
            says under "Detaching", then migrate
            """
        case .newerDatabase(let version):
            """
            the database is at version \(version), this program knows \
            \(MigrationFile.all.last?.version ?? 0); use the newer program
            """
        case .skippedFile(let name): "\(name) was not applied, but later ones were"
        case .locked(let waited): "another program was migrating for \(waited); try again"
        case .busy(let name, let waited):
            """
            \(name) found its tables in use for \(waited); earlier steps are applied: run it again \
            when the long transactions have ended
            """
        case .withoutEffect(let name): "\(name): a statement ran without effect"
        case .missingRight(let remedy): remedy
        case .file(let name, let line, let error):
            "\(name)\(line.map { " line \($0)" } ?? "") failed: \(error)"
        case .refused(let name, let error, let remedy): "\(name) failed: \(error): \(remedy)"
        case .pooled:
            """
            a pooler is between this program and PostgreSQL, and the lock of a migration belongs to \
            one session: set DATABASE_OWNER_URL to an address that leads straight to PostgreSQL
            """
        case .store(let error): "\(error)"
        }
    }
}

/// One thing that keeps a database from being attached. Names of the catalog only: safe for logs.
public struct AttachProblem: Hashable, Sendable {
    public let what: String
    /// The statement that fixes it, or what to do.
    public let remedy: String

    public init(what: String, remedy: String) {
        self.what = what
        self.remedy = remedy
    }
}
