import ArgumentParser
import Shell

/// `metering-worker`: counts the calls of clinics, decides which may go through, and rolls them up.
@main
struct WorkerProgram: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "metering-worker",
        abstract: "Counts the calls of clinics, holds their limits, and rolls usage up exactly.",
        discussion: """
            Examples:
              metering-worker serve --config worker.json
              metering-worker migrate --dry-run
              metering-worker rollup --month 2026-11
              metering-worker doctor
              metering-worker demo --once --report-format csv
              metering-worker keys create --name gateway --scope check

            Settings come from the environment, then the file of --config, then their defaults. \
            docs/configuration.md lists all.

            \(Outcome.help)
            """,
        version: Release.version,
        subcommands: [
            ServeCommand.self, MigrateCommand.self, RollupCommand.self, DoctorCommand.self,
            DemoCommand.self, KeysCommand.self,
        ],
        defaultSubcommand: ServeCommand.self)

    static func main() async { await CommandRun.end(Self.self) }
}
