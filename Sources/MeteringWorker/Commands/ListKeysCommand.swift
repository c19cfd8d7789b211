import ArgumentParser
import Foundation
import Ledger
import Metering
import Postgres
import Shell
import Values

struct ListKeysCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List all keys, oldest first, without the secrets.",
        discussion: """
            Example:
              metering-worker keys list --format json
            """)

    @OptionGroup var options: SettingsOptions
    @Option(help: "The form of the output.")
    var format = OutputFormat.text

    func run() async throws {
        let settings = try options.settings(quiet: true)
        try await PostgresPool.used(with: settings.database.configuration()) { pool in
            let ledger = Ledger(pool: pool)
            try await ledger.requireSchema()
            let now = try await ledger.operations.databaseTime()
            let lines = try await ledger.keys.list().map { KeyListing($0, now: now) }
            switch format {
            case .text: try Console.write(KeyListing.table(of: lines))
            case .json: try Console.write(KeyListing.json(of: lines))
            }
        }
    }
}
