import ArgumentParser
import Quotas
import Shell
import Values

/// `metering-worker keys`: the keys that callers of the HTTP API carry.
struct KeysCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys",
        abstract: "Create, list and end the keys of the HTTP API.",
        discussion: """
            Examples:
              metering-worker keys create --name gateway --scope check,usage
              metering-worker keys list
              metering-worker keys rotate gateway --grace 24h
              metering-worker keys revoke 3
            """,
        subcommands: [
            CreateKeyCommand.self, ListKeysCommand.self, RotateKeyCommand.self,
            RevokeKeyCommand.self,
        ],
        aliases: ["key"])

    static func lifetime(_ text: String) throws -> Duration {
        guard let lifetime = Duration(text: text), lifetime > .zero else {
            throw ValidationError("a time is a whole number and a unit: 12h, 90d")
        }
        return lifetime
    }
}
