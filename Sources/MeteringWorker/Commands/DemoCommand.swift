import ArgumentParser
import Shell

/// `metering-worker demo`: a program of its own, `metering-demo`, which replaces this process. So
/// the worker itself contains no code that starts a database.
struct DemoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Play an access log against private servers, and print the report.")

    @Argument(parsing: .captureForPassthrough, help: "See metering-worker demo --help.")
    var arguments: [String] = []

    func run() throws {
        try InstalledProgram.become("metering-demo", arguments)
    }
}
