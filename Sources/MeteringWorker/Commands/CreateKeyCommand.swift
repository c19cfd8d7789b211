import ArgumentParser
import Shell
import Ledger
import Metering
import Postgres
import Quotas
import Values

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
            "What it may do: check, usage, marks, admin, separated by commas; repeatable.",
            valueName: "scopes"),
        transform: scopes)
    var scope: [Set<StoredKey.Scope>]
    @Option(
        help: ArgumentHelp(
            "A clinic that it is for, by id or subdomain; repeatable. Default: every clinic.",
            valueName: "clinic"))
    var clinic: [String] = []
    @Option(
        help: ArgumentHelp(
            "How long it is valid, such as 90d. Default: forever.", valueName: "time"),
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
                hash: APIKey.hash(of: key.text), name: name,
                scopes: scope.reduce(into: []) { $0.formUnion($1) }, clinics: clinics,
                expiresAt: try await end(by: ledger))
            Console.note(
                "key \(stored.id) \(TerminalText.quoted(name)) is shown only once; only its hash "
                    + "is stored")
            try Console.write("\(key.text)\n")
        }
    }

    /// The clock of the database decides, so that all hosts agree.
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
