import ArgumentParser
import Foundation

/// What every command that changes a subscription asks for.
struct ChangeOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Why; it goes into the audit log.", valueName: "text"))
    var reason: String
    @Option(
        help: ArgumentHelp(
            "Repeated with the same key, nothing is stored twice.", valueName: "text"))
    var key: String?

    /// A call without a key is told once.
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
