import ArgumentParser
import Billing
import Ledger
import Metering
import Shell
import Values

/// `billing standing`: where a clinic's subscription stands, and why.
struct StandingCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "standing",
        abstract: "Where a subscription stands, and why.",
        discussion: """
            Example:
              billing standing show smile-dental
              billing standing smile-dental
            """,
        subcommands: [Show.self, Adopt.self],
        defaultSubcommand: Show.self)

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print a clinic's status, its facts, its moves, and what comes next.",
            discussion: """
                The status is computed from facts: payments, failures, holds, dates, and words that your own \
                code wrote. Times are UTC.
                """)

        @Argument(help: ArgumentHelp("The clinic.", valueName: "id|subdomain"))
        var clinic: String

        func run() async throws {
            try await AdminDatabase.lend { ledger in
                let id = try await ledger.clinics.find(named: clinic)
                let record = try await ledger.subscriptions.standing(of: id)
                let moves = try await ledger.subscriptions.moves(of: id)
                let waiting = try await ledger.plans.waitingMove(of: id)
                try Console.write(
                    StandingText(record: record, moves: moves, waiting: waiting).text)
            }
        }
    }
}

extension StandingCommand {
    struct Adopt: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let payment_status take the eight words only, once no other is left.",
            discussion: """
                Writes old words such as `paid` as ours, then adds the CHECK; no standing moves. Connects with \
                DATABASE_OWNER_URL. Exit code 3 while words are left that nobody knows; they are listed.

                Example:
                  DATABASE_OWNER_URL=postgresql://owner@db/clinics billing standing adopt
                """)

        func run() async throws {
            try await AdminDatabase.lend(as: AdminDatabase.ownerURL) { ledger in
                let adoption = try await ledger.subscriptions.adoptStatuses { line in
                    Console.note("billing: \(line)")
                }
                switch adoption {
                case .wasDone:
                    try Console.write("payment_status takes the eight words only already\n")
                case .done:
                    try Console.write("payment_status takes the eight words only from now on\n")
                case .unknownStatuses(let unknown):
                    for entry in unknown {
                        try Console.write(
                            "\(entry.clinics) clinics: \(TerminalText.quoted(entry.status))\n")
                    }
                    Console.note("billing: write one of the eight words there; nothing was changed")
                    throw ExitCode(3)
                }
            }
        }
    }
}
