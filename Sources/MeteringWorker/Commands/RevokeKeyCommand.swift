import ArgumentParser
import Shell
import Ledger
import Postgres
import Values

struct RevokeKeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke",
        abstract: "End a key; workers reject it within a second.",
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
private struct UnknownKey: Error, CustomStringConvertible {
    let description = "no key matches; `metering-worker keys list` shows all"
}
