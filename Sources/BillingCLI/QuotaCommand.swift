import ArgumentParser
import Ledger
import Metering
import Quotas
import Shell

/// `billing quota`: what a clinic may still use, why, and what support can do about it.
struct QuotaCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quota",
        abstract: "What a clinic may use, where each number comes from, and changes of this month.",
        discussion: """
            Example:
              billing quota explain smile
            """,
        subcommands: [Explain.self, Reset.self, Refund.self])

    struct Explain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print each limit of a clinic, what is used, and where the limit comes from.",
            discussion: """
                Reads PostgreSQL: units counted until the last checkpoint. How full rate limits are right now, and \
                the last denials, a worker knows: GET /v1/clinics/{id}/explain.

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
                let room = try await ledger.limits.capacities(of: [id])[id]
                try Console.write(QuotaText(clinic: id, origin: origin, room: room).text)
            }
        }
    }

    struct Reset: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let a clinic's quota begin anew within the month; what was counted stays.",
            discussion: """
                Usage and bills do not change: only what the quota is compared with begins at 0 again. Rate limits \
                free themselves in their windows.

                Example:
                  billing quota reset smile --reason "import went wrong, agreed by phone"
                """)

        @Argument(help: ArgumentHelp("The clinic.", valueName: "id|subdomain")) var clinic: String
        @Option(help: "Why; it goes into the audit log.") var reason: String

        func run() async throws {
            try await AdminDatabase.lend { ledger in
                let id = try await ledger.clinics.find(named: clinic)
                let units = try await ledger.usage.resetQuota(of: id, reason: reason)
                try Console.write("quota of \(id) begins anew; \(units) units weigh no longer\n")
            }
        }
    }

    struct Refund: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give units of this month back, in the quota and in usage, once for each id.",
            discussion: """
                Example:
                  billing quota refund smile 1200 --id ticket-4711 --reason "double import"
                """)

        @Argument(help: ArgumentHelp("The clinic.", valueName: "id|subdomain")) var clinic: String
        @Argument(help: "Cost units, no more than the month has.") var units: Int64
        @Option(help: "Your own name of this refund; repeated, nothing is given twice.")
        var id: String
        @Option(help: "Why; it goes into the audit log.") var reason: String

        func run() async throws {
            try await AdminDatabase.lend { ledger in
                let clinic = try await ledger.clinics.find(named: clinic)
                let isNew = try await ledger.usage.refundQuota(
                    of: clinic, units: units, id: id, reason: reason)
                try Console.write(
                    isNew
                        ? "\(units) units given back to \(clinic)\n"
                        : "this refund was known already; nothing changed\n")
            }
        }
    }
}
