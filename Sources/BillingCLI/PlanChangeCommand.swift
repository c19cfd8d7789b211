import ArgumentParser
import Billing
import Ledger
import Metering
import Shell
import Values

/// `billing plan-change`: moves a subscription to another plan.
struct PlanChangeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan-change",
        abstract: "Move a clinic to another plan, and list the limits it would exceed.",
        discussion: """
            Moves at once when no allowance shrinks; otherwise with the next month. Nothing is \
            deleted: a clinic over its new limits cannot add until it is below them.

            Examples:
              billing plan-change smile-dental Solo --dry-run
              billing plan-change smile-dental Practice --reason "grew"
            """)

    @Argument(help: ArgumentHelp("The clinic.", valueName: "id|subdomain"))
    var clinic: String
    @Argument(help: ArgumentHelp("The plan.", valueName: "name|number"))
    var plan: String
    @OptionGroup var dryRun: DryRun
    @Flag(help: "Move at once, even to a smaller allowance.")
    var now = false
    @Flag(help: "Move with the next month, even to a larger allowance.")
    var nextMonth = false
    @Option(help: ArgumentHelp("The reason, for the audit log.", valueName: "text"))
    var reason: String?
    @OptionGroup var actor: ActorOptions

    func validate() throws {
        guard !(now && nextMonth) else {
            throw ValidationError("give --now or --next-month, not both")
        }
        guard dryRun.isDry || reason != nil else {
            throw ValidationError("give --reason, or --dry-run to change nothing")
        }
        try CommandArguments.require(reason, "--reason", most: 500)
    }

    func run() async throws {
        try await AdminDatabase.lend(to: actor) { ledger in
            let id = try await ledger.clinics.find(named: clinic)
            let time: PlanMoveTime = now ? .now : nextMonth ? .nextMonth : .whenFair
            let change =
                dryRun.isDry
                ? try await ledger.plans.previewMove(of: id, to: plan, time)
                : try await ledger.plans.move(id, to: plan, time, reason: reason ?? "")
            try Console.write(Self.text(change, isDryRun: dryRun.isDry))
            if dryRun.isDry { try dryRun.end(wouldChange: change.from != change.to) }
        }
    }

    static func text(_ change: PlanMove, isDryRun: Bool) -> String {
        let verb = isDryRun ? "would move" : change.isAtOnce ? "moved" : "moves"
        let from = change.from.map(TerminalText.quoted) ?? "no plan"
        let time = change.isAtOnce ? (isDryRun ? " at once" : "") : " at \(change.effectiveAt)"
        var text = "\(verb) from \(from) to \(TerminalText.quoted(change.to))\(time)\n"
        for line in change.comparison.lines {
            text += "  \(line.measure.rawValue): \(line.used) used, "
            text += "\(line.before.words) -> \(line.after.words)"
            text += line.excess.map { ", over by \($0)" } ?? ""
            text += "\n"
        }
        if !change.comparison.exceeded.isEmpty {
            text += "nothing is deleted; counts over a limit cannot grow until they are below it\n"
        }
        return text
    }
}

extension Allowance {
    var words: String {
        switch self {
        case .none: "no plan"
        case .unlimited: "unlimited"
        case .limited(let most): "\(most)"
        }
    }
}
