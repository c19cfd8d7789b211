import ArgumentParser
import Foundation
import Metering
import Values

/// How the arguments of the commands about subscriptions are read.
enum CommandArguments {
    static func time(_ text: String) throws -> UTCTime {
        guard let time = UTCTime(text) else {
            throw ValidationError("a time is written 2026-11-23 or 2026-11-23T10:00:07Z, in UTC")
        }
        return time
    }

    static func day(_ text: String) throws -> CivilDate {
        guard let day = CivilDate(text) else {
            throw ValidationError("a day is written 2026-11-23")
        }
        return day
    }
}

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
