import ArgumentParser
import Billing
import FrontDoor
import Ledger
import Metering

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
                    StandingPage(record: record, moves: moves, waiting: waiting).text)
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
                            "\(entry.clinics) clinics: \(Console.shown(entry.status))\n")
                    }
                    Console.note("billing: write one of the eight words there; nothing was changed")
                    throw ExitCode(3)
                }
            }
        }
    }
}

/// What `billing standing` prints.
struct StandingPage {
    let record: StandingRecord
    let moves: [StandingMove]
    let waiting: (plan: String, at: UTCTime)?

    var text: String {
        (head + section("next, if nothing else happens", next) + section("facts", facts)
            + section("moves", moves.map(Self.line))).map { $0 + "\n" }.joined()
    }

    private var head: [String] {
        var lines = ["clinic  \(record.clinic)"]
        guard let word = record.storedStatus else {
            return lines + ["no subscription: nothing is limited; billing subscribe gives it one"]
        }
        lines.append("plan    \(record.plan.map(Console.shown) ?? "none")")
        if let standing = record.standing {
            lines.append(
                "status  \(standing.status.rawValue) since \(standing.since), "
                    + "because \(standing.cause.words)")
        } else {
            lines.append(
                "status  \(Console.shown(word)) is not a known word: nothing is limited; "
                    + "write one of the eight, or tell a fact")
        }
        if let since = record.step().unpaidSince { lines.append("unpaid  since \(since)") }
        if let end = record.terms.end {
            lines.append("ends    \(end)\(record.terms.renews ? ", and renews" : "")")
        }
        if let waiting {
            lines.append("plan    becomes \(Console.shown(waiting.plan)) at \(waiting.at)")
        }
        if let problem = record.scheduleProblem {
            lines.append("plan    is not readable, the usual days are used: \(problem)")
        }
        return lines
    }

    private var next: [String] {
        record.hasSubscription ? record.forecast.entries.prefix(10).map(\.line) : []
    }

    private var facts: [String] {
        record.facts.suffix(20).map { fact in
            var words = [fact.fact.at.description, fact.kind]
            switch fact.fact.kind {
            case .declared(let status): words.append(status.rawValue)
            case .charged(let invoice, let due): words += [Console.shown(invoice), "due \(due)"]
            case .paymentFailed(let invoice?), .paid(let invoice?), .reopened(let invoice?):
                words.append(Console.shown(invoice))
            case .held(let until?), .canceled(let until), .subscribed(let until?, _):
                words.append("until \(until)")
            default: break
            }
            return (words + ["by \(Console.shown(fact.recordedBy)):", Console.shown(fact.reason)])
                .joined(separator: " ")
        }
    }

    private func section(_ title: String, _ lines: [String]) -> [String] {
        lines.isEmpty ? [] : ["", title] + lines.map { "  " + $0 }
    }

    private static func line(_ move: StandingMove) -> String {
        "\(move.at) \(move.from ?? "none") -> \(move.to), \(move.cause) (event \(move.event), by "
            + "\(Console.shown(move.recordedBy)))"
    }
}

extension Standing.Cause {
    /// For a person, after "because".
    var words: String {
        switch self {
        case .subscribed: "it was subscribed"
        case .declared: "somebody wrote it"
        case .paid: "it was paid"
        case .unpaid: "something is unpaid"
        case .graceEnded: "the time of grace is over"
        case .deadlinePassed: "the last deadline has passed"
        case .trialEnded: "the trial has ended without a payment"
        case .held: "it is held"
        case .released: "it was released"
        case .canceled: "it was canceled"
        case .endDatePassed: "the end date has passed"
        case .firstPaymentMissing: "the first payment did not come"
        case .restored: "what ended it is no longer so"
        }
    }
}

extension StandingForecast.Entry {
    var line: String {
        switch what {
        case .becomes(let status, let cause): "\(at) \(status.rawValue), because \(cause.words)"
        case .notice(let day): "\(at) notice of day \(day)"
        }
    }
}

extension StandingChange {
    /// What a command that told a fact prints.
    func line(isNew: Bool = true) -> String {
        let status = after.status.rawValue
        guard isNew else { return "told before; still \(status)\n" }
        let old = before.map { $0.status.rawValue } ?? "none"
        guard event != nil else { return "still \(status) since \(after.since)\n" }
        return "\(old) -> \(status), because \(after.cause.words)\n"
    }
}
