import ArgumentParser
import Ledger
import Metering
import Shell

/// `billing outbox`: messages for the team's own programs. They usually read the table themselves.
struct OutboxCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "outbox",
        abstract: "Messages that your own programs act on: moves, notices, plan changes.",
        discussion: """
            Examples:
              billing outbox list --limit 10
              billing outbox done 4711
            """,
        subcommands: [List.self, Done.self], defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print open messages, oldest first, as one JSON object per line.",
            discussion: """
                Example:
                  billing outbox list --limit 10
                """)

        @Option(help: "The most messages to print, 1 to 10000.")
        var limit = 100

        func validate() throws {
            guard (1...10_000).contains(limit) else {
                throw ValidationError("--limit is 1 to 10000")
            }
        }

        func run() async throws {
            try await AdminDatabase.lend { ledger in
                for message in try await ledger.subscriptions.openMessages(most: limit) {
                    try Console.write(message.line + "\n")
                }
            }
        }
    }

    struct Done: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Mark messages as done.",
            discussion: """
                Marks those that are there, also when another number is wrong; exit code 5 then.

                Example:
                  billing outbox done 4711 4712
                """)

        @Argument(help: "Message numbers.")
        var ids: [Int64]

        func run() async throws {
            try await AdminDatabase.lend { ledger in
                var unknown: [Int64] = []
                for id in ids {
                    switch try await ledger.subscriptions.finishMessage(id) {
                    case true?: try Console.write("done \(id)\n")
                    case false?: try Console.write("\(id) was done already\n")
                    case nil: unknown.append(id)
                    }
                }
                guard unknown.isEmpty else { throw NoSuchMessages(ids: unknown) }
            }
        }
    }
}

extension OutboxMessage {
    /// The payload is JSON of the database's own making.
    fileprivate var line: String {
        #"{"id":\#(id),"kind":"\#(kind)","created_at":"\#(createdAt.rfc3339)","#
            + #""payload":\#(payload)}"#
    }
}
