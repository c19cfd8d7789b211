import ArgumentParser
import Foundation
import FrontDoor
import Logging

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
        let settings = try WorkerSettings(
            environment: ProcessInfo.processInfo.environment, file: file)
        for warning in settings.warnings { Console.note("metering-worker: \(warning)") }
        let level = quiet && !settings.log.isGiven ? .warning : settings.log.level
        LoggingSystem.bootstrap { label in
            var handler = StreamLogHandler.standardError(label: label)
            handler.logLevel = level
            return handler
        }
        return settings
    }
}
