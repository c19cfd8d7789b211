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
            Prints the key's name and rights, then asks. It cannot be undone: a program that still \
            has the key gets 401. `keys rotate` lets programs change to a new key first.

            Examples:
              metering-worker keys revoke 3 --dry-run
              metering-worker keys revoke 3 --yes
            """)

    @OptionGroup var options: SettingsOptions
    @Argument(help: ArgumentHelp("Its number in the list, or the key itself.", valueName: "key"))
    var key: String
    @OptionGroup var dryRun: DryRun
    @OptionGroup var agreement: Agreement

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
            guard let found = try await find(in: ledger) else { throw UnknownKey() }
            let name = "key \(found.id) \(TerminalText.quoted(found.name))"
            guard found.revokedAt == nil else {
                return try Console.write("\(name) was revoked already\n")
            }
            let listing = KeyListing(found, now: try await ledger.operations.databaseTime())
            guard !dryRun.isDry else {
                try Console.write("would revoke \(name): \(listing.rights)\n")
                return try dryRun.end(wouldChange: true)
            }
            Console.note(
                "metering-worker: \(name): \(listing.rights); a revoked key cannot be brought back")
            try agreement.require("Revoke \(name)")
            guard try await ledger.keys.revoke(found.id) != nil else { throw UnknownKey() }
            try Console.write("revoked \(name)\n")
        }
    }

    private func find(in ledger: Ledger) async throws -> StoredKey? {
        guard let id = Int64(key) else {
            return try await ledger.keys.find(hash: APIKey.hash(of: key))
        }
        return try await ledger.keys.list().first { $0.id == id }
    }
}

/// Names no key, because the argument may be one.
private struct UnknownKey: RequestError, CustomStringConvertible {
    let fault: RequestFault? = .refused
    let description = "no key matches; `metering-worker keys list` shows all"
}
