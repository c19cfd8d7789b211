import ArgumentParser
import Foundation
import Logging
import Shell

/// The option of every command: the file of settings.
struct SettingsOptions: ParsableArguments {
    @Option(
        name: .customLong("config"),
        help: ArgumentHelp("A JSON file of settings; the environment wins.", valueName: "file"))
    var file: String?

    /// The settings of this run. Prints warnings on stderr, and sends the log there too.
    ///
    /// - Parameter quiet: For commands that cron or a person runs: without `LOG_LEVEL` only
    ///   warnings and worse are logged, because cron mails every line.
    func settings(quiet: Bool = false) throws -> WorkerSettings {
        let environment = ProcessInfo.processInfo.environment
        // First of all, so that an error about a setting has the chosen format.
        if environment[WorkerKeys.logFormat.environmentName] == "json" { Console.noteInJSON() }
        let settings = try WorkerSettings(environment: environment, file: file)
        if settings.log.format == .json { Console.noteInJSON() }
        for warning in settings.warnings { Console.note("metering-worker: \(warning)") }
        let level = quiet && !settings.log.isGiven ? .warning : settings.log.level
        let format = settings.log.format
        LoggingSystem.bootstrap { label in
            var handler: any LogHandler =
                switch format {
                case .text: StreamLogHandler.standardError(label: label)
                case .json: JSONLogHandler(label: label)
                }
            handler.logLevel = level
            return handler
        }
        return settings
    }
}
