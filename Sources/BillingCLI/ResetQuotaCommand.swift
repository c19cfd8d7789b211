import ArgumentParser
import Ledger
import Metering
import Shell
import Values

/// `billing quota reset`: the quota of the running month starts again, or a reset is undone.
struct ResetQuotaCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reset",
        abstract: "Start a clinic's quota again within the month; usage stays.",
        discussion: """
            Prints how many units would no longer count, then asks. Usage and bills do not change; \
            only the count that the quota limits restarts at 0. Rate limits recover within their \
            windows. --undo takes the latest reset of this month back, once.

            Examples:
              billing quota reset smile --reason "import went wrong, agreed by phone"
              billing quota reset smile --undo --reason "wrong clinic"
            """)

    @Argument(help: ArgumentHelp("The clinic.", valueName: "id|subdomain")) var clinic: String
    @Option(help: "The reason, for the audit log.") var reason: String?
    @Flag(help: "Take the latest reset of this month back.") var undo = false
    @OptionGroup var dryRun: DryRun
    @OptionGroup var agreement: Agreement
    @OptionGroup var actor: ActorOptions

    func validate() throws {
        guard dryRun.isDry || reason != nil else {
            throw ValidationError("give --reason, or --dry-run to change nothing")
        }
        try CommandArguments.require(reason, "--reason", most: 500)
    }

    func run() async throws {
        try await AdminDatabase.lend(to: actor) { ledger in
            let found = try await ledger.clinics.listed(ledger.clinics.find(named: clinic))
            let name = TerminalText.quoted(found.name)
            let units =
                undo
                ? try await ledger.usage.previewUndo(of: found.id)
                : try await ledger.usage.previewReset(of: found.id)
            guard let units else { throw NothingToUndo(clinic: found.id) }
            let effect = undo ? "would count again" : "would no longer count"
            let line = "\(found.id) \(name): \(units) units \(effect)"
            guard !dryRun.isDry else {
                try Console.write("\(line)\n")
                return try dryRun.end(wouldChange: undo || units > 0)
            }
            Console.note("billing: \(line)")
            try agreement.require(
                undo ? "Undo the reset of \(name)" : "Reset the quota of \(name)")
            try await change(found.id, in: ledger)
        }
    }

    private func change(_ clinic: ClinicID, in ledger: Ledger) async throws {
        let reason = reason ?? ""
        guard undo else {
            let units = try await ledger.usage.resetQuota(of: clinic, reason: reason)
            return try Console.write(
                "quota of \(clinic) starts again; \(units) units no longer count\n")
        }
        guard let units = try await ledger.usage.undoReset(of: clinic, reason: reason) else {
            throw NothingToUndo(clinic: clinic)
        }
        try Console.write("reset of \(clinic) undone; \(units) units count again\n")
    }
}

private struct NothingToUndo: RequestError, CustomStringConvertible {
    let clinic: ClinicID
    let fault: RequestFault? = .refused

    var description: String {
        "no reset of \(clinic) stands this month, so there is nothing to undo; a reset of an "
            + "earlier month, or one that was undone, is over"
    }
}
