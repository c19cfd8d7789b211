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
        abstract: "The standing of a subscription, and its cause.",
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
                The status is computed from facts: payments, failures, holds, dates, and values \
                that your own code wrote. Times are UTC.

                Example:
                  billing standing show smile-dental
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
            abstract: "Restrict payment_status to its eight values, once no other is left.",
            discussion: """
                Replaces old values such as `paid`, then adds the CHECK; no standing changes. \
                Connects with DATABASE_OWNER_URL. Exit code 3 while unknown values are left; they \
                are listed.

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
                    try Console.write("payment_status is already restricted to the eight values\n")
                case .done:
                    try Console.write("payment_status is now restricted to the eight values\n")
                case .unknownStatuses(let unknown):
                    for entry in unknown {
                        try Console.write(
                            "\(entry.clinics) clinics: \(TerminalText.quoted(entry.status))\n")
                    }
                    Console.note("billing: replace these by one of the eight; nothing changed")
                    throw Outcome.found
                }
            }
        }
    }
}
