import ArgumentParser
import Shell
import Ledger
import Metering
import Postgres
import Quotas
import Values

struct RotateKeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate",
        abstract: "Create and print a second key of a name; the first one expires after --grace.",
        discussion: """
            The new key has the scopes and clinics of the old one. Clients switch while both are \
            valid.

            Example:
              metering-worker keys rotate gateway --grace 24h
            """)

    @OptionGroup var options: SettingsOptions
    @Argument(help: "The name of the key, as `keys list` prints it.")
    var name: String
    @Option(
        help: ArgumentHelp("How long the old key stays valid.", valueName: "time"),
        transform: KeysCommand.lifetime)
    var grace: Duration = .seconds(86_400)
    @Option(
        help: ArgumentHelp(
            "How long the new key is valid, such as 90d. Default: forever.", valueName: "time"),
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
                "key \(keys.new.id) \(TerminalText.quoted(name)) is shown only once; key "
                    + "\(keys.old.id) stays valid until \(last?.rfc3339 ?? "?")")
            try Console.write("\(key.text)\n")
        }
    }
}
