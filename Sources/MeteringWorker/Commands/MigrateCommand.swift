import ArgumentParser
import FrontDoor
import Ledger
import Postgres

/// `metering-worker migrate`: brings a database to this release's schema.
struct MigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate",
        abstract: "Create or update the tables, each step once and in order.",
        discussion: """
            Example:
              DATABASE_OWNER_URL=postgresql://owner@db/clinics metering-worker migrate --dry-run

            Connects with DATABASE_OWNER_URL, else DATABASE_URL, directly and not through a pooler. \
            Run twice, the second finds nothing to do; run by two at once, the second waits.
            """)

    @OptionGroup var options: SettingsOptions
    @Flag(help: "Print what would be applied; change nothing.")
    var dryRun = false

    func run() async throws {
        let settings = try options.settings(quiet: true)
        try await PostgresPool.used(
            with: settings.database.ownerConfiguration(),
            setting: "DATABASE_OWNER_URL, or without it DATABASE_URL"
        ) { pool in
            let migrator = Migrator(pool: pool)
            let files =
                dryRun
                ? try await migrator.plan()
                : try await migrator.apply { line in Console.note("metering-worker: \(line)") }
            try Console.write(report(of: files))
        }
    }

    private func report(of files: [MigrationFile]) -> String {
        guard !files.isEmpty else { return "nothing to do\n" + grants }
        let verb = dryRun ? "would apply" : "applied"
        let lines = files.map { "\(verb) \($0.name)\n" }.joined()
        return dryRun ? lines : lines + grants
    }

    /// The roles cannot log in themselves, so whoever logs in is given one.
    private var grants: String {
        let grants = Migrator.grants(workerLogin: "<worker login>", adminLogin: "<report login>")
        return "for the logins of the worker and of billing, once each:\n"
            + grants.map { "  \($0)\n" }.joined()
    }
}
