import ArgumentParser
import Shell

/// `metering-worker doctor`: checks an installation, new or in trouble.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Check servers, rights and backlogs, and print remedies; change nothing.",
        discussion: """
            Examples:
              metering-worker doctor | grep -v ^ok
              metering-worker doctor --json

            Takes the settings of `serve`. Prints a line for each check: ok, warn or fail, its \
            name, what was found, and the remedy. It ends within 15 seconds, even when a server \
            is down or hangs. Exit codes: 0 nothing fails, 1 doctor could not run, 2 wrong usage, \
            3 something fails.
            """)

    @OptionGroup var options: SettingsOptions
    @Flag(help: "Print one JSON object, of the form doctor/1.")
    var json = false

    func run() async throws {
        let settings = try options.settings(quiet: true)
        let report = await Doctor(settings: settings).examine()
        try Console.write(json ? report.json : report.text)
        guard report.level < .fail else { throw Outcome.found }
    }
}
