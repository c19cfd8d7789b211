import ArgumentParser
import Foundation
import Logging
import Shell

/// What every command takes: the file of settings.
struct SettingsOptions: ParsableArguments {
    @Option(
        name: .customLong("config"),
        help: ArgumentHelp("A JSON file of settings; the environment wins.", valueName: "file"))
    var file: String?

    /// The settings of this run. Says on stderr what is odd, and sends the log there too.
    ///
    /// - Parameter quiet: For commands that cron or a person runs: without `LOG_LEVEL` only warnings
    ///   and worse are logged, because cron mails every line.
    func settings(quiet: Bool = false) throws -> WorkerSettings {
        let environment = ProcessInfo.processInfo.environment
        // Before all else, so that a setting which stops the start is told in the form that is read.
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
