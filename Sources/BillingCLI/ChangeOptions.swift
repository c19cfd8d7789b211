import ArgumentParser
import Foundation

/// The options of every command that changes a subscription.
struct ChangeOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The reason, for the audit log.", valueName: "text"))
    var reason: String
    @Option(
        help: ArgumentHelp(
            "A repeated call with the same key stores nothing.", valueName: "text"))
    var key: String?
    @OptionGroup var actor: ActorOptions

    /// A call without a key records a fact of its own.
    var idempotencyKey: String { key ?? UUID().uuidString.lowercased() }

    func validate() throws {
        try CommandArguments.require(reason, "--reason", most: 500)
        try CommandArguments.require(key, "--key", most: 200)
    }
}
