import ArgumentParser
import Billing
import Ledger
import Metering
import Shell

/// A command that records one fact about one clinic.
protocol FactCommand: AsyncParsableCommand {
    var subject: FactSubject { get }
    var change: ChangeOptions { get }
    /// When it happened; nil for now.
    var at: UTCTime? { get }
    var kind: SubscriptionFact.Kind { get }
}

extension FactCommand {
    var at: UTCTime? { nil }

    func run() async throws {
        try await AdminDatabase.lend { ledger in
            let id = try await ledger.clinics.find(named: subject.clinic)
            let entry = FactEntry(
                kind, at: at, reason: change.reason, key: change.idempotencyKey)
            let recorded = try await ledger.subscriptions.record(entry, of: id)
            try Console.write(recorded.change.line(isNew: recorded.isNew))
        }
    }
}

/// The clinic that a fact is about.
struct FactSubject: ParsableArguments {
    @Argument(help: ArgumentHelp("The clinic.", valueName: "id|subdomain"))
    var clinic: String
}

/// A fact about a payment.
protocol PaymentCommand: FactCommand {
    var payment: PaymentOptions { get }
}

extension PaymentCommand {
    var at: UTCTime? { payment.at }
}

/// The time of the fact, and its invoice.
struct PaymentOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("When it happened, in UTC. Without it: now.", valueName: "time"),
        transform: CommandArguments.time)
    var at: UTCTime?
    @Option(
        help: ArgumentHelp("One invoice. Without it: the whole account.", valueName: "name"))
    var invoice: String?
}

struct PayCommand: PaymentCommand {
    static let configuration = CommandConfiguration(
        commandName: "pay", abstract: "Record that a clinic paid.",
        discussion: """
            Example:
              billing pay smile-dental --reason "bank transfer 4711" --key bank-4711
            """)
    @OptionGroup var subject: FactSubject
    @OptionGroup var payment: PaymentOptions
    @OptionGroup var change: ChangeOptions
    var kind: SubscriptionFact.Kind { .paid(invoice: payment.invoice) }
}

struct FailCommand: PaymentCommand {
    static let configuration = CommandConfiguration(
        commandName: "fail", abstract: "Record that a clinic's payment failed.",
        discussion: """
            A paid invoice stays paid. For a refund, a dispute or a void payment, use \
            `billing reopen`.

            Example:
              billing fail smile-dental --reason "card expired"
            """)
    @OptionGroup var subject: FactSubject
    @OptionGroup var payment: PaymentOptions
    @OptionGroup var change: ChangeOptions
    var kind: SubscriptionFact.Kind { .paymentFailed(invoice: payment.invoice) }
}

struct ReopenCommand: PaymentCommand {
    static let configuration = CommandConfiguration(
        commandName: "reopen",
        abstract: "Record that a paid amount is open again: a refund, a dispute, a void payment.",
        discussion: """
            Example:
              billing reopen smile-dental --invoice 2026-117 --reason "chargeback"
            """)
    @OptionGroup var subject: FactSubject
    @OptionGroup var payment: PaymentOptions
    @OptionGroup var change: ChangeOptions
    var kind: SubscriptionFact.Kind { .reopened(invoice: payment.invoice) }
}

struct ChargeCommand: FactCommand {
    static let configuration = CommandConfiguration(
        commandName: "charge", abstract: "Record an invoice and the day it is due.",
        discussion: """
            Example:
              billing charge smile-dental --invoice 2026-117 --due 2026-12-15 --reason "December"
            """)
    @OptionGroup var subject: FactSubject
    @Option(help: ArgumentHelp("The invoice.", valueName: "name"))
    var invoice: String
    @Option(
        help: ArgumentHelp("The due time; unpaid after it, in UTC.", valueName: "time"),
        transform: CommandArguments.time)
    var due: UTCTime
    @OptionGroup var change: ChangeOptions
    var kind: SubscriptionFact.Kind { .charged(invoice: invoice, due: due) }
}

struct HoldCommand: FactCommand {
    static let configuration = CommandConfiguration(
        commandName: "hold",
        abstract: "Pause a subscription: read only, until a day or until released.",
        discussion: """
            Example:
              billing hold smile-dental --until 2026-12-31 --reason "moves house"
            """)
    @OptionGroup var subject: FactSubject
    @Option(
        help: ArgumentHelp("When the hold ends, in UTC.", valueName: "time"),
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
    @OptionGroup var subject: FactSubject
    @OptionGroup var change: ChangeOptions
    var kind: SubscriptionFact.Kind { .released }
}

struct CancelCommand: FactCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel", abstract: "End a subscription, now or on a later day.",
        discussion: """
            No data of the clinic is deleted. Keeping reading and export open is up to your \
            application.

            Examples:
              billing cancel smile-dental --on 2026-12-31 --reason "closes"
              billing cancel smile-dental --undo --reason "stays after all"
            """)
    @OptionGroup var subject: FactSubject
    @Option(
        help: ArgumentHelp("When it ends, in UTC. Without it: now.", valueName: "time"),
        transform: CommandArguments.time)
    var on: UTCTime?
    @Flag(help: "Withdraw cancellations that have not taken effect.")
    var undo = false
    @OptionGroup var change: ChangeOptions

    func validate() throws {
        guard !(undo && on != nil) else { throw ValidationError("give --undo or --on, not both") }
    }

    /// A day in the past ends the subscription at once.
    var kind: SubscriptionFact.Kind {
        undo ? .cancelWithdrawn : .canceled(effective: on ?? .first)
    }
}
