import ArgumentParser
import Ledger
import Metering
import Postgres
import Quotas
import Shell
import Values

/// `metering-worker keys`: the keys that callers of the HTTP API carry.
struct KeysCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys",
        abstract: "Make, list and end the keys of the HTTP API.",
        discussion: """
            Examples:
              metering-worker keys create --name gateway --scope check,usage
              metering-worker keys list
              metering-worker keys rotate gateway --grace 24h
              metering-worker keys revoke 3
            """,
        subcommands: [
            CreateKeyCommand.self, ListKeysCommand.self, RotateKeyCommand.self,
            RevokeKeyCommand.self,
        ])

    static func lifetime(_ text: String) throws -> Duration {
        guard let lifetime = Duration(text: text), lifetime > .zero else {
            throw ValidationError("a time is a whole number and a unit: 12h, 90d")
        }
        return lifetime
    }
}

struct CreateKeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Make a key and print it on stdout, this once; only its hash is stored.",
        discussion: """
            Example:
              metering-worker keys create --name gateway --scope check,usage --expires 90d
            """)

    @OptionGroup var options: SettingsOptions
    @Option(help: "What the key is for, 1 to 100 characters.")
    var name: String
    @Option(
        help: ArgumentHelp(
            "What it may do: check, usage, marks, admin, joined with commas.", valueName: "scopes"),
        transform: scopes)
    var scope: Set<StoredKey.Scope>
    @Option(
        help: ArgumentHelp(
            "A clinic it is for, by id or subdomain; may be repeated. Without it: every clinic.",
            valueName: "clinic"))
    var clinic: [String] = []
    @Option(
        help: ArgumentHelp(
            "How long it is valid, as 90d. Without it: for ever.", valueName: "time"),
        transform: KeysCommand.lifetime)
    var expires: Duration?

    func validate() throws {
        guard (1...100).contains(name.unicodeScalars.count) else {
            throw ValidationError("--name takes 1 to 100 characters")
        }
    }

    func run() async throws {
        let settings = try options.settings(quiet: true)
        try await PostgresPool.used(with: settings.database.configuration()) { pool in
            let ledger = Ledger(pool: pool)
            try await ledger.requireSchema()
            var clinics: [ClinicID] = []
            for name in clinic { clinics.append(try await ledger.clinics.find(named: name)) }
            var random = SystemRandomNumberGenerator()
            let key = APIKey.make(random: &random)
            let stored = try await ledger.keys.create(
                hash: APIKey.hash(of: key.text), name: name, scopes: scope, clinics: clinics,
                expiresAt: try await end(by: ledger))
            Console.note(
                "key \(stored.id) \(TerminalText.quoted(name)) is shown this once; only its hash is stored"
            )
            try Console.write("\(key.text)\n")
        }
    }

    /// The database's clock decides, so that all hosts agree.
    private func end(by ledger: Ledger) async throws -> Int64? {
        guard let expires else { return nil }
        // Both lie far below 2^62: a time of 1970…9999 and at most 36,500 days.
        return try await ledger.operations.databaseTime() + expires.wholeMicroseconds
    }

    private static func scopes(_ text: String) throws -> Set<StoredKey.Scope> {
        Set(
            try text.split(separator: ",", omittingEmptySubsequences: false).map { word in
                guard let scope = StoredKey.Scope(rawValue: String(word)) else {
                    throw ValidationError("scopes are check, usage, marks and admin")
                }
                return scope
            })
    }
}

struct RotateKeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate",
        abstract: "Make a second key of a name and print it; the first one expires after a grace.",
        discussion: """
            The new key has the scopes and clinics of the old one. Callers change over while both are good.

            Example:
              metering-worker keys rotate gateway --grace 24h
            """)

    @OptionGroup var options: SettingsOptions
    @Argument(help: "The name of the key, as `keys list` prints it.")
    var name: String
    @Option(
        help: ArgumentHelp("How long the old key is good yet.", valueName: "time"),
        transform: KeysCommand.lifetime)
    var grace: Duration = .seconds(86_400)
    @Option(
        help: ArgumentHelp(
            "How long the new key is valid, as 90d. Without it: for ever.", valueName: "time"),
        transform: KeysCommand.lifetime)
    var expires: Duration?

    func run() async throws {
        let settings = try options.settings(quiet: true)
        try await PostgresPool.used(with: settings.database.configuration()) { pool in
            let ledger = Ledger(pool: pool)
            try await ledger.requireSchema()
            var random = SystemRandomNumberGenerator()
            let key = APIKey.make(random: &random)
            var end: Int64?
            // Both lie far below 2^62: a time of 1970…9999 and at most 36,500 days.
            if let expires {
                end = try await ledger.operations.databaseTime() + expires.wholeMicroseconds
            }
            let keys = try await ledger.keys.rotate(
                named: name, hash: APIKey.hash(of: key.text), grace: grace.wholeMicroseconds,
                expiresAt: end)
            let last = keys.old.expiresAt.flatMap(UTCTime.init(microseconds:))
            Console.note(
                "key \(keys.new.id) \(TerminalText.quoted(name)) is shown this once; key \(keys.old.id) is good "
                    + "until \(last?.rfc3339 ?? "?")")
            try Console.write("\(key.text)\n")
        }
    }
}

struct RevokeKeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke",
        abstract: "End a key; workers stop taking it within a second.",
        discussion: """
            Example:
              metering-worker keys revoke 3
            """)

    @OptionGroup var options: SettingsOptions
    @Argument(help: ArgumentHelp("Its number in the list, or the key itself.", valueName: "key"))
    var key: String

    func validate() throws {
        guard Int64(key) != nil || APIKey(parsing: key) != nil else {
            throw ValidationError("a key is named by its number in `keys list`, or given whole")
        }
    }

    func run() async throws {
        let settings = try options.settings(quiet: true)
        try await PostgresPool.used(with: settings.database.configuration()) { pool in
            let ledger = Ledger(pool: pool)
            try await ledger.requireSchema()
            var id = Int64(key)
            if id == nil { id = try await ledger.keys.find(hash: APIKey.hash(of: key))?.id }
            guard let id, let revoked = try await ledger.keys.revoke(id) else {
                throw UnknownKey()
            }
            try Console.write("revoked key \(revoked.id) \(TerminalText.quoted(revoked.name))\n")
        }
    }
}

/// Names no key, because the argument may be one.
struct UnknownKey: Error, CustomStringConvertible {
    let description = "there is no such key; `metering-worker keys list` shows all"
}
