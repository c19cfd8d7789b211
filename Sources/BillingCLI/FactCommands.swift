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
            let told = try await ledger.subscriptions.record(entry, of: id)
            try Console.write(told.change.line(isNew: told.isNew))
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

/// When it happened, and of which invoice.
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
        commandName: "pay", abstract: "Tell that a clinic has paid.",
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
        commandName: "fail", abstract: "Tell that a payment of a clinic has failed.",
        discussion: """
            An invoice that is paid stays paid: a refund, a dispute or a void payment is `billing reopen`.

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
        abstract: "Tell that what was paid is open again: a refund, a dispute, a void payment.",
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
        commandName: "charge", abstract: "Tell that an invoice is to be paid by a day.",
        discussion: """
            Example:
              billing charge smile-dental --invoice 2026-117 --due 2026-12-15 --reason "December"
            """)
    @OptionGroup var subject: FactSubject
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
    @OptionGroup var subject: FactSubject
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
    @OptionGroup var subject: FactSubject
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
    @OptionGroup var subject: FactSubject
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
