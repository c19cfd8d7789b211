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

    /// A call without a key records a fact of its own.
    var idempotencyKey: String { key ?? UUID().uuidString.lowercased() }

    func validate() throws {
        guard (1...500).contains(reason.count) else {
            throw ValidationError("--reason has 1 to 500 characters")
        }
        guard (1...200).contains(key?.count ?? 1) else {
            throw ValidationError("--key has 1 to 200 characters")
        }
    }
}
