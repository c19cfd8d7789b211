import ArgumentParser
import Billing
import Ledger
import Metering
import Shell
import Values

/// `billing subscribe`: starts a subscription.
struct SubscribeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "subscribe",
        abstract: "Start a new subscription of a clinic; earlier facts become history.",
        discussion: """
            Without --to it renews. The plan says whether it starts with a trial. To move a \
            running subscription, use `billing plan-change`.

            Examples:
              billing subscribe smile-dental Practice --reason "contract 12"
              billing subscribe smile-dental Practice --to 2027-06-30 --no-trial --reason "half a year"
            """)

    @Argument(help: ArgumentHelp("The clinic.", valueName: "id|subdomain"))
    var clinic: String
    @Argument(help: ArgumentHelp("The plan.", valueName: "name|number"))
    var plan: String
    @Option(
        help: ArgumentHelp("First day. Without it: today, in UTC.", valueName: "day"),
        transform: CommandArguments.day)
    var from: CivilDate?
    @Option(
        help: ArgumentHelp("Last day of the subscription.", valueName: "day"),
        transform: CommandArguments.day)
    var to: CivilDate?
    @Option(
        help: ArgumentHelp(
            "Days of the trial, 1 to 3650. Without it: the plan's.", valueName: "days"))
    var trial: Int64?
    @Flag(help: "Start without a trial.")
    var noTrial = false
    @Flag(help: "Start incomplete: it expires unless it is paid within 23 hours.")
    var awaitingPayment = false
    @OptionGroup var change: ChangeOptions

    func validate() throws {
        guard !(noTrial && trial != nil) else {
            throw ValidationError("give --trial or --no-trial, not both")
        }
        guard (1...3_650).contains(trial ?? 1) else {
            throw ValidationError("--trial is 1 to 3650 days")
        }
    }

    func run() async throws {
        try await AdminDatabase.lend(to: change.actor) { ledger in
            let id = try await ledger.clinics.find(named: clinic)
            let now = try await ledger.operations.databaseTime()
            let today = now / 86_400_000_000
            let first = from?.daysSince1970 ?? today
            guard first <= today else {
                throw ValidationError("--from is in the future: subscribe on that day")
            }
            let last = to?.daysSince1970 ?? first + 364
            guard last >= first, to == nil || last >= today else {
                throw ValidationError("--to is before the first day, or in the past")
            }
            let subscription = NewSubscription(
                plan: plan, firstDay: first, lastDay: last, renews: to == nil,
                trialDays: noTrial ? 0 : trial, awaitsPayment: awaitingPayment)
            let done = try await ledger.subscriptions.subscribe(
                id, subscription, reason: change.reason, key: change.idempotencyKey)
            try Console.write(done.line())
        }
    }
}
