import ArgumentParser
import Ledger
import Metering
import Quotas
import Shell

/// `billing quota`: what a clinic may use, where the numbers come from, and corrections by support.
struct QuotaCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quota",
        abstract: "What a clinic may use, where each number comes from, and corrections.",
        discussion: """
            Example:
              billing quota explain smile
            """,
        subcommands: [Explain.self, ResetQuotaCommand.self, Refund.self],
        aliases: ["quotas"])

    struct Explain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print each limit of a clinic, what is used, and where the limit comes from.",
            discussion: """
                Reads PostgreSQL: units counted until the last checkpoint. For the current state \
                of rate limits and the last denials, ask a worker: GET /v1/clinics/{id}/explain.

                Example:
                  billing quota explain smile
                """)

        @Argument(help: ArgumentHelp("The clinic.", valueName: "id|subdomain")) var clinic: String

        func run() async throws {
            try await AdminDatabase.lend { ledger in
                let id = try await ledger.clinics.find(named: clinic)
                let now = try await ledger.operations.databaseTime()
                guard let origin = try await ledger.clinics.provenance(of: id, at: now) else {
                    throw LedgerError.unknownClinic(clinic)
                }
                let capacity = try await ledger.limits.capacities(of: [id])[id]
                try Console.write(QuotaText(clinic: id, origin: origin, capacity: capacity).text)
            }
        }
    }

    struct Refund: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give units of this month back, in quota and usage, once per id.",
            discussion: """
                Example:
                  billing quota refund smile 1200 --id ticket-4711 --reason "double import"
                """)

        @Argument(help: ArgumentHelp("The clinic.", valueName: "id|subdomain")) var clinic: String
        @Argument(help: "Cost units, at most those used this month.") var units: Int64
        @Option(help: "Your own id of this refund; a repeat gives nothing back.")
        var id: String
        @Option(help: "The reason, for the audit log.") var reason: String
        @OptionGroup var actor: ActorOptions

        func validate() throws {
            try CommandArguments.require(reason, "--reason", most: 500)
            try CommandArguments.require(id, "--id", most: 100)
        }

        func run() async throws {
            try await AdminDatabase.lend(to: actor) { ledger in
                let clinic = try await ledger.clinics.find(named: clinic)
                let isNew = try await ledger.usage.refundQuota(
                    of: clinic, units: units, id: id, reason: reason)
                try Console.write(
                    isNew
                        ? "\(units) units given back to \(clinic)\n"
                        : "this refund was already recorded; nothing changed\n")
            }
        }
    }
}
