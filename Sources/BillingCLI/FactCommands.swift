import ArgumentParser
import Billing
import Shell
import Ledger
import Metering

/// A command that tells one fact about one clinic.
protocol FactCommand: AsyncParsableCommand {
    var clinic: String { get }
    var change: ChangeOptions { get }
    var at: UTCTime? { get }
    var kind: SubscriptionFact.Kind { get }
}

extension FactCommand {
    var at: UTCTime? { nil }

    func run() async throws {
        try await AdminDatabase.lend { ledger in
            let id = try await ledger.clinics.find(named: clinic)
            let told = try await ledger.subscriptions.record(
                FactEntry(kind, at: at, reason: change.reason, key: change.idempotencyKey), of: id)
            try Console.write(told.change.line(isNew: told.isNew))
        }
    }
}

/// The clinic, and when it happened.
struct FactOptions: ParsableArguments {
    @Argument(help: ArgumentHelp("The clinic.", valueName: "id|subdomain"))
    var clinic: String
    @Option(
        help: ArgumentHelp("When it happened, in UTC. Without it: now.", valueName: "time"),
        transform: CommandArguments.time)
    var at: UTCTime?
    @Option(
        help: ArgumentHelp("One invoice. Without it: the whole account.", valueName: "name"))
    var invoice: String?
    @OptionGroup var change: ChangeOptions
}

struct PayCommand: FactCommand {
    static let configuration = CommandConfiguration(
        commandName: "pay", abstract: "Tell that a clinic has paid.",
        discussion: """
            Example:
              billing pay smile-dental --reason "bank transfer 4711" --key bank-4711
            """)
    @OptionGroup var options: FactOptions
    var clinic: String { options.clinic }
    var change: ChangeOptions { options.change }
    var at: UTCTime? { options.at }
    var kind: SubscriptionFact.Kind { .paid(invoice: options.invoice) }
}

struct FailCommand: FactCommand {
    static let configuration = CommandConfiguration(
        commandName: "fail", abstract: "Tell that a payment of a clinic has failed.",
        discussion: """
            An invoice that is paid stays paid: a refund, a dispute or a void payment is `billing reopen`.

            Example:
              billing fail smile-dental --reason "card expired"
            """)
    @OptionGroup var options: FactOptions
    var clinic: String { options.clinic }
    var change: ChangeOptions { options.change }
    var at: UTCTime? { options.at }
    var kind: SubscriptionFact.Kind { .paymentFailed(invoice: options.invoice) }
}

struct ReopenCommand: FactCommand {
    static let configuration = CommandConfiguration(
        commandName: "reopen",
        abstract: "Tell that what was paid is open again: a refund, a dispute, a void payment.",
        discussion: """
            Example:
              billing reopen smile-dental --invoice 2026-117 --reason "chargeback"
            """)
    @OptionGroup var options: FactOptions
    var clinic: String { options.clinic }
    var change: ChangeOptions { options.change }
    var at: UTCTime? { options.at }
    var kind: SubscriptionFact.Kind { .reopened(invoice: options.invoice) }
}

struct ChargeCommand: FactCommand {
    static let configuration = CommandConfiguration(
        commandName: "charge", abstract: "Tell that an invoice is to be paid by a day.",
        discussion: """
            Example:
              billing charge smile-dental --invoice 2026-117 --due 2026-12-15 --reason "December"
            """)
    @Argument(help: ArgumentHelp("The clinic.", valueName: "id|subdomain"))
    var clinic: String
    @Option(help: ArgumentHelp("The invoice.", valueName: "name"))
    var invoice: String
    @Option(
        help: ArgumentHelp("Unpaid from then on, in UTC.", valueName: "time"),
        transform: CommandArguments.time)
    var due: UTCTime
    @OptionGroup var change: ChangeOptions
    var kind: SubscriptionFact.Kind { .charged(invoice: invoice, due: due) }
}

struct HoldCommand: FactCommand {
    static let configuration = CommandConfiguration(
        commandName: "hold",
        abstract: "Halt a subscription: reading only, up to a day or until released.",
        discussion: """
            Example:
              billing hold smile-dental --until 2026-12-31 --reason "moves house"
            """)
    @Argument(help: ArgumentHelp("The clinic.", valueName: "id|subdomain"))
    var clinic: String
    @Option(
        help: ArgumentHelp("When the hold ends by itself, in UTC.", valueName: "time"),
        transform: CommandArguments.time)
    var until: UTCTime?
    @OptionGroup var change: ChangeOptions
    var kind: SubscriptionFact.Kind { .held(until: until) }
}

struct ReleaseCommand: FactCommand {
    static let configuration = CommandConfiguration(
        commandName: "release", abstract: "End all holds of a subscription.",
        discussion: """
            Example:
              billing release smile-dental --reason "is back"
            """)
    @Argument(help: ArgumentHelp("The clinic.", valueName: "id|subdomain"))
    var clinic: String
    @OptionGroup var change: ChangeOptions
    var kind: SubscriptionFact.Kind { .released }
}

struct CancelCommand: FactCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel", abstract: "End a subscription, now or on a day to come.",
        discussion: """
            Reading and export are for you to keep open; nothing of the clinic is deleted.

            Examples:
              billing cancel smile-dental --on 2026-12-31 --reason "closes"
              billing cancel smile-dental --undo --reason "stays after all"
            """)
    @Argument(help: ArgumentHelp("The clinic.", valueName: "id|subdomain"))
    var clinic: String
    @Option(
        help: ArgumentHelp("When it ends, in UTC. Without it: now.", valueName: "time"),
        transform: CommandArguments.time)
    var on: UTCTime?
    @Flag(help: "Take back cancellations that have not taken effect.")
    var undo = false
    @OptionGroup var change: ChangeOptions

    func validate() throws {
        guard !(undo && on != nil) else { throw ValidationError("--undo takes no --on") }
    }

    /// A day of long ago is over at once.
    var kind: SubscriptionFact.Kind {
        undo ? .cancelWithdrawn : .canceled(effective: on ?? .first)
    }
}
